//===- FakeModel.cpp - a tiny model whose kernels are plain C++ -----------===//
//
// Stands in for what the compiler links, so that the runtime is tested on its
// own: z[b,t,v] = sum(c) table[tokens[b,t],c] * table[v,c] + bias[v] with masked
// cross-entropy. fake_model.py computes the same with numpy. Grids have short
// last blocks, and every kernel takes a temporary from the arena.
//
//===----------------------------------------------------------------------===//
#include "codegen/manifest.pb.h"
#include "runtime/Halide.h"
#include <cmath>
#include <cstdlib>
#include <vector>

using namespace tintype;
using rt::HalideBuffer;

extern "C" {
unsigned char tintype_manifest[1 << 16];
uint64_t tintype_manifest_size;
void *halide_malloc(void *, size_t);
void halide_free(void *, void *);
}

namespace {

#ifndef FAKE_VOCAB
#define FAKE_VOCAB 19
#endif
constexpr int V = FAKE_VOCAB, W = 8;

HalideBuffer &buffer(void **args, int i) { return *static_cast<HalideBuffer *>(args[i]); }
template <typename T> T *host(void **args, int i) { return reinterpret_cast<T *>(buffer(args, i).host); }

/// Temporaries given back in another order than taken.
struct Temporaries {
  void *a = halide_malloc(nullptr, 3000), *b = halide_malloc(nullptr, 5);
  Temporaries() {
    if (reinterpret_cast<uintptr_t>(a) % 128 || reinterpret_cast<uintptr_t>(b) % 128)
      abort();
    static_cast<char *>(a)[2999] = static_cast<char *>(b)[4] = 1;
  }
  ~Temporaries() {
    halide_free(nullptr, a);
    halide_free(nullptr, b);
  }
};

/// Symbol T, tokens [B, T], table [V, W], bias [V] -> z [B, T, V], cropped in B and T.
int logits(void **args) {
  Temporaries t;
  int T = *static_cast<int32_t *>(args[0]);
  const int32_t *tokens = host<int32_t>(args, 1);
  const float *table = host<float>(args, 2), *bias = host<float>(args, 3);
  HalideBuffer &z = buffer(args, 4);
  if (z.rank != 3 || z.dim[0].extent != V || z.dim[1].stride != V || z.dim[2].stride != V * T || z.bits != 32 || z.code != 2)
    return -1;
  for (int b = 0; b < z.dim[2].extent; ++b)
    for (int i = 0; i < z.dim[1].extent; ++i) {
      int token = tokens[(b + z.dim[2].min) * T + i + z.dim[1].min];
      float *row = reinterpret_cast<float *>(z.host) + b * z.dim[2].stride + i * z.dim[1].stride;
      for (int v = 0; v < V; ++v) {
        row[v] = bias[v];
        for (int c = 0; c < W; ++c)
          row[v] += table[token * W + c] * table[v * W + c];
      }
    }
  return 0;
}

/// z, targets, keep -> loss [], dz.
int loss(void **args) {
  Temporaries t;
  HalideBuffer &z = buffer(args, 0);
  const int32_t *targets = host<int32_t>(args, 1);
  const uint8_t *keep = host<uint8_t>(args, 2);
  int64_t rows = int64_t(z.dim[1].extent) * z.dim[2].extent, kept = 0;
  for (int64_t i = 0; i < rows; ++i)
    kept += keep[i];
  double sum = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const float *row = host<float>(args, 0) + i * V;
    float *d = host<float>(args, 4) + i * V;
    double most = row[0], total = 0;
    for (int v = 1; v < V; ++v)
      most = std::fmax(most, row[v]);
    for (int v = 0; v < V; ++v)
      total += std::exp(row[v] - most);
    for (int v = 0; v < V; ++v)
      d[v] = keep[i] ? static_cast<float>((std::exp(row[v] - most) / total - (v == targets[i])) / kept) : 0.0f;
    if (keep[i])
      sum += std::log(total) + most - row[targets[i]];
  }
  *host<float>(args, 3) = static_cast<float>(kept ? sum / kept : 0);
  return 0;
}

/// dz, tokens, table, old gradient -> gradient [V, W], cropped in V.
int tableGradient(void **args) {
  HalideBuffer &dz = buffer(args, 0), &out = buffer(args, 4);
  const int32_t *tokens = host<int32_t>(args, 1);
  const float *table = host<float>(args, 2), *d = host<float>(args, 0), *old = host<float>(args, 3);
  int64_t rows = int64_t(dz.dim[1].extent) * dz.dim[2].extent;
  for (int v = 0; v < out.dim[1].extent; ++v)
    for (int c = 0; c < W; ++c) {
      int row = v + out.dim[1].min;
      double sum = old[row * W + c];
      for (int64_t i = 0; i < rows; ++i) {
        sum += d[i * V + row] * table[tokens[i] * W + c];
        for (int u = 0; tokens[i] == row && u < V; ++u)
          sum += d[i * V + u] * table[u * W + c];
      }
      reinterpret_cast<float *>(out.host)[v * W + c] = static_cast<float>(sum);
    }
  return 0;
}

/// dz, old gradient -> gradient [V].
int biasGradient(void **args) {
  HalideBuffer &dz = buffer(args, 0);
  int64_t rows = int64_t(dz.dim[1].extent) * dz.dim[2].extent;
  for (int v = 0; v < V; ++v)
    for (int64_t i = 0; i < rows; ++i)
      host<float>(args, 2)[v] = (i ? host<float>(args, 2)[v] : host<float>(args, 1)[v]) + host<float>(args, 0)[i * V + v];
  return 0;
}

int norm(void **args) {
  double sum = 0;
  for (int i = 0; i < buffer(args, 0).dim[0].extent; ++i)
    sum += double(host<float>(args, 0)[i]) * host<float>(args, 0)[i];
  *host<float>(args, 1) = static_cast<float>(sum);
  return 0;
}

/// p, g, m, v, hyper -> p, m, v, g, cropped in N.
int update(void **args) {
  const float *h = host<float>(args, 4);
  HalideBuffer &out = buffer(args, 5);
  int first = out.dim[0].min;
  for (int i = first; i < first + out.dim[0].extent; ++i) {
    float g = host<float>(args, 1)[i] * h[7];
    float m = h[1] * host<float>(args, 2)[i] + (1 - h[1]) * g, v = h[2] * host<float>(args, 3)[i] + (1 - h[2]) * g * g;
    float p = host<float>(args, 0)[i] * (1 - h[0] * h[4]) - h[0] * m * h[5] / (std::sqrt(v * h[6]) + h[3]);
    host<float>(args, 5)[i - first] = p;
    host<float>(args, 6)[i - first] = m;
    host<float>(args, 7)[i - first] = v;
    host<float>(args, 8)[i - first] = 0;
  }
  return 0;
}

enum { B = 0, T = 1, N = 2 };

Size symbol(int s) {
  Size z;
  auto *op = z.add_ops();
  op->set_kind(Size::SYMBOL);
  op->set_value(s);
  return z;
}
Size number(int64_t n) {
  Size z;
  z.add_ops()->set_value(n);
  return z;
}
Size product(const std::vector<Size> &factors) {
  Size z = factors.empty() ? number(1) : factors[0];
  for (size_t i = 1; i < factors.size(); ++i) {
    for (const Size::Op &op : factors[i].ops())
      *z.add_ops() = op;
    z.add_ops()->set_kind(Size::MUL);
  }
  return z;
}

/// Builds one program; buffers are named by their position.
struct Builder {
  Program *p;
  std::vector<std::vector<Size>> shapes;
  std::vector<DType> types;

  int buffer(Buffer::Kind kind, int index, std::vector<Size> shape, DType type, const char *label, int first = 0, int last = 0) {
    auto *b = p->add_buffers();
    b->set_kind(kind);
    *b->mutable_elements() = product(shape);
    b->set_dtype(type);
    b->set_index(index);
    b->set_first(first);
    b->set_last(last);
    b->set_label(label);
    shapes.push_back(shape);
    types.push_back(type);
    return p->buffers_size() - 1;
  }
  int input(const char *role, std::vector<Size> shape, DType type, int64_t bound = 0) {
    auto *i = p->add_inputs();
    i->set_name(role);
    i->set_role(role);
    for (const Size &s : shape)
      *i->add_dims() = s;
    i->set_dtype(type);
    i->set_bound(bound);
    return buffer(Buffer::INPUT, p->inputs_size() - 1, shape, type, role);
  }
  int output(const char *name, std::vector<Size> shape) {
    auto *o = p->add_outputs();
    o->set_name(name);
    for (const Size &s : shape)
      *o->add_dims() = s;
    return buffer(Buffer::OUTPUT, p->outputs_size() - 1, shape, F32, name);
  }
  Launch *launch(int kernel, std::vector<int> inputs, std::vector<int> results, const char *label) {
    auto *l = p->add_launches();
    l->set_kernel(kernel);
    l->set_label(label);
    for (auto *list : {&inputs, &results})
      for (int b : *list) {
        auto *a = list == &inputs ? l->add_inputs() : l->add_results();
        a->set_buffer(b);
        a->set_dtype(types[b]);
        for (const Size &s : shapes[b])
          *a->add_dims() = s;
      }
    *l->mutable_flops() = number(1000);
    *l->mutable_bytes() = number(500);
    return l;
  }
  static void grid(Launch *l, Size extent, int64_t block, std::vector<int> dims) {
    auto *x = l->add_grid();
    *x->mutable_extent() = extent;
    x->set_block(block);
    for (int d : dims)
      x->add_result_dim(d);
  }
};

void addModelProgram(Manifest &m, const char *role, bool wantLogits, bool wantLoss, bool backward) {
  Builder b{m.add_programs(), {}, {}};
  b.p->set_role(role);
  Size rows[] = {symbol(B), symbol(T)}, v = number(V), w = number(W);
  int tokens = b.input("tokens", {rows[0], rows[1]}, I32, V);
  int table = b.buffer(Buffer::PARAMETER, 0, {v, w}, F32, "table"), bias = b.buffer(Buffer::PARAMETER, 1, {v}, F32, "bias");
  int z = wantLogits ? b.output("logits", {rows[0], rows[1], v}) : b.buffer(Buffer::ARENA, 0, {rows[0], rows[1], v}, F32, "logits", 0, 1);
  Launch *l = b.launch(0, {tokens, table, bias}, {z}, "fake.tin:10:3");
  Builder::grid(l, rows[0], 1, {0});
  Builder::grid(l, rows[1], 3, {1});
  if (!wantLoss)
    return;
  int targets = b.input("targets", {rows[0], rows[1]}, I32, V), keep = b.input("targets_keep", {rows[0], rows[1]}, BOOL);
  int lossOut = b.output("loss", {}), dz = b.buffer(Buffer::ARENA, 0, {rows[0], rows[1], v}, F32, "dz", 1, backward ? 3 : 1);
  b.launch(1, {z, targets, keep}, {lossOut, dz}, "fake.tin:12:3");
  if (!backward)
    return;
  int dTable = b.buffer(Buffer::GRADIENT, 0, {v, w}, F32, "grad table"), dBias = b.buffer(Buffer::GRADIENT, 1, {v}, F32, "grad bias");
  Builder::grid(b.launch(2, {dz, tokens, table, dTable}, {dTable}, "adjoint of fake.tin:10:3"), v, 5, {0});
  b.launch(3, {dz, dBias}, {dBias}, "adjoint of fake.tin:10:9");
}

void addOptimizer(Manifest &m) {
  Builder g{m.add_programs(), {}, {}};
  g.p->set_role("grad_norm");
  g.launch(4, {g.input("g", {symbol(N)}, F32)}, {g.output("sum", {})}, "grad_norm");
  Builder u{m.add_programs(), {}, {}};
  u.p->set_role("update");
  std::vector<int> in, out;
  for (const char *role : {"p", "g", "m", "v"})
    in.push_back(u.input(role, {symbol(N)}, F32));
  in.push_back(u.input("hyper", {number(8)}, F32));
  for (const char *name : {"p", "m", "v", "g"})
    out.push_back(u.output(name, {symbol(N)}));
  Builder::grid(u.launch(5, in, out, "update"), symbol(N), 50, {0, 0, 0, 0});
}

/// Runs before main, which parses what this leaves.
__attribute__((constructor)) void fillManifest() {
  Manifest m;
  m.set_version("0.1.0");
  m.set_model("Fake");
  m.set_task("causal_lm");
  m.set_tokenizer(V > 256 ? "gpt2" : "bytes");
  m.set_target("x86-64-linux");
  if (const char *feature = getenv("FAKE_FEATURE"))
    m.add_features(feature);
  m.set_recipe(R"({"checkpoint": {"rename": ["transformer.** -> **"], "ignore": ["**.old"]},
                     "train": {"B": 4, "T": 16, "steps": 40, "clip": 1.0, "optimizer": {"call": "adamw", "beta2": 0.95},
                               "lr": {"call": "cosine", "peak": 0.02, "floor": 0.002, "warmup": 5}}})");
  const struct {
    const char *name;
    int64_t max, multiple;
  } dims[] = {{"B", 64, 1}, {"T", 128, 1}, {"N", 1 << 20, 16}};
  for (auto &d : dims) {
    auto *s = m.add_symbols();
    s->set_name(d.name);
    s->set_min(1);
    s->set_max(d.max);
    s->set_multiple(d.multiple);
  }
  auto addParameter = [&](const char *path, std::vector<int64_t> shape, bool decay) {
    auto *p = m.add_parameters();
    p->set_path(path);
    for (int64_t d : shape)
      p->add_shape(d);
    p->set_init(Parameter::NORMAL);
    p->set_scale(decay ? 0.5 : 0);
    p->set_decay(decay);
  };
  addParameter("table", {V, W}, true);
  addParameter("bias", {V}, false);
  for (const char *name : {"k_logits", "k_loss", "k_table", "k_bias", "k_norm", "k_update"}) {
    auto *k = m.add_kernels();
    k->set_name(name);
    k->set_kind("row");
  }
  m.mutable_kernels(0)->add_symbols(T);
  addModelProgram(m, "forward", true, false, false);
  addModelProgram(m, "loss", true, true, false);
  addModelProgram(m, "train_step", false, true, true);
  addModelProgram(m, "trace_step", true, true, true);
  addOptimizer(m);
  std::string bytes = m.SerializeAsString();
  if (bytes.size() > sizeof(tintype_manifest))
    abort();
  std::copy(bytes.begin(), bytes.end(), tintype_manifest);
  tintype_manifest_size = bytes.size();
}

} // namespace

extern "C" int (*const tintype_kernels[])(void **);
int (*const tintype_kernels[])(void **) = {logits, loss, tableGradient, biasGradient, norm, update};
