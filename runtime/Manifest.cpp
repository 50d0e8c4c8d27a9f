//===- Manifest.cpp -------------------------------------------------------===//
#include "runtime/Manifest.h"
#include <google/protobuf/arena.h>

extern "C" {
extern const unsigned char tintype_manifest[];
extern const uint64_t tintype_manifest_size;
extern int (*const tintype_kernels[])(void **);
}

namespace tintype::rt {

/// Every index in a program must be in range, so that nothing after this has to look.
static void checkProgram(const Program &p, const Manifest &m) {
  auto broken = [&](const std::string &what) { fail("the manifest in this binary is damaged: program ", p.role(), ": ", what); };
  auto checkType = [&](DType type) {
    if (!DType_IsValid(type))
      broken("there is no type " + std::to_string(type));
  };
  auto checkArg = [&](const Arg &a) {
    checkType(a.dtype());
    if (a.buffer() < 0 || a.buffer() >= p.buffers_size())
      broken("an argument names buffer " + std::to_string(a.buffer()));
    if (a.dims_size() > 16)
      broken("an argument has " + std::to_string(a.dims_size()) + " dimensions");
  };
  for (const Output &out : p.outputs())
    checkType(out.dtype());
  for (const Buffer &b : p.buffers()) {
    checkType(b.dtype());
    int limit = b.kind() == Buffer::INPUT    ? p.inputs_size()
                : b.kind() == Buffer::OUTPUT ? p.outputs_size()
                : b.kind() == Buffer::ARENA  ? 1
                                             : m.parameters_size();
    if (b.kind() != Buffer::ARENA && (b.index() < 0 || b.index() >= limit))
      broken("buffer index " + std::to_string(b.index()) + " is not in [0, " + std::to_string(limit) + ")");
    bool isUsed = b.kind() == Buffer::ARENA && b.last() != -1;
    if (isUsed && (b.first() < 0 || b.last() < b.first() || b.last() >= p.launches_size()))
      broken("a buffer lives from launch " + std::to_string(b.first()) + " to " + std::to_string(b.last()));
  }
  for (const Input &in : p.inputs()) {
    checkType(in.dtype());
    for (const Size &size : in.dims())
      for (const Size::Op &op : size.ops())
        if (op.kind() == Size::SYMBOL && (op.value() < 0 || op.value() >= m.symbols_size()))
          broken("input " + in.name() + " names dim " + std::to_string(op.value()));
  }
  int next = 0;
  for (const Section &s : p.sections()) {
    if (s.first() < next || s.last() < s.first() || s.last() >= p.launches_size() || s.most() < 1 || s.symbol() < 0 ||
        s.symbol() >= m.symbols_size())
      broken("launches " + std::to_string(s.first()) + " to " + std::to_string(s.last()) + " are no section");
    next = s.last() + 1;
  }
  for (const Launch &l : p.launches()) {
    if (l.kernel() < 0 || l.kernel() >= m.kernels_size())
      broken("a launch names kernel " + std::to_string(l.kernel()));
    for (const Arg &a : l.inputs())
      checkArg(a);
    for (const Arg &a : l.results())
      checkArg(a);
    for (const Axis &x : l.grid()) {
      if (x.block() < 1 || x.result_dim_size() != l.results_size())
        broken("a grid axis of " + l.label() + " does not fit its launch");
      for (int r = 0; r < l.results_size(); ++r)
        if (x.result_dim(r) < -1 || x.result_dim(r) >= l.results(r).dims_size())
          broken("a grid axis of " + l.label() + " crops a dimension that is not there");
    }
  }
}

static void parse(Manifest &m, const void *data, size_t size) {
  if (size > INT32_MAX || !m.ParseFromArray(data, static_cast<int>(size)))
    fail("the manifest in this binary does not parse");
  for (const Kernel &k : m.kernels())
    for (int s : k.symbols())
      if (s < 0 || s >= m.symbols_size())
        fail("the manifest in this binary is damaged: kernel ", k.name(), " takes dim ", s);
  for (const Program &p : m.programs())
    checkProgram(p, m);
}

Manifest parseManifest(const void *data, size_t size) {
  Manifest m;
  parse(m, data, size);
  return m;
}

/// In an arena, since it is many small messages that live as long as the process.
const Manifest &linkedManifest() {
  static google::protobuf::Arena arena;
  static const Manifest &m = [&]() -> const Manifest & {
    auto *parsed = google::protobuf::Arena::CreateMessage<Manifest>(&arena);
    parse(*parsed, tintype_manifest, tintype_manifest_size);
    return *parsed;
  }();
  return m;
}

KernelEntry linkedKernel(int index) { return tintype_kernels[index]; }

DimValues::DimValues(const Manifest &manifest) : manifest(&manifest), values(manifest.symbols_size(), kUnset) {}

int64_t DimValues::get(const std::string &name) const {
  for (int i = 0; i < manifest->symbols_size(); ++i)
    if (manifest->symbols(i).name() == name)
      return values[i];
  return kUnset;
}

bool DimValues::has(const std::string &name) const {
  for (const Symbol &s : manifest->symbols())
    if (s.name() == name)
      return true;
  return false;
}

void DimValues::set(const std::string &name, int64_t value) {
  for (int i = 0; i < manifest->symbols_size(); ++i)
    if (manifest->symbols(i).name() == name)
      return set(i, value);
  fail("this model has no runtime dimension ", name);
}

void DimValues::set(int symbol, int64_t value) {
  const Symbol &s = manifest->symbols(symbol);
  if (value < s.min())
    fail("expected ", s.name(), " >= ", s.min(), ", but got ", value);
  if (s.max() > 0 && value > s.max())
    fail("expected ", s.name(), " <= ", s.max(), ", but got ", value, "\nnote: the bound was declared when this binary was built");
  if (s.multiple() > 1 && value % s.multiple() != 0)
    fail("expected ", s.name(), " to be a multiple of ", s.multiple(), ", but got ", value);
  values[symbol] = value;
}

void DimValues::bind(const google::protobuf::RepeatedPtrField<Size> &dims, const std::vector<int64_t> &shape, const std::string &what) {
  if (static_cast<size_t>(dims.size()) != shape.size())
    fail(what, ": expected ", dims.size(), " dimensions, but got shape ", toString(shape));
  for (int i = 0; i < dims.size(); ++i) {
    const Size &d = dims[i];
    if (d.ops_size() == 1 && d.ops(0).kind() == Size::SYMBOL && values[d.ops(0).value()] == kUnset)
      set(static_cast<int>(d.ops(0).value()), shape[i]);
    int64_t want = evaluate(d, *this, *manifest);
    if (want != shape[i])
      fail(what, ": expected size ", toString(d, *manifest), " = ", want, " in dimension ", i, ", but got shape ", toString(shape));
  }
}

std::string DimValues::str() const {
  std::string out;
  for (int i = 0; i < manifest->symbols_size(); ++i)
    if (values[i] != kUnset)
      out += (out.empty() ? "" : ", ") + manifest->symbols(i).name() + " = " + std::to_string(values[i]);
  return out;
}

static int64_t floorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }

int64_t evaluate(const Size &size, const DimValues &dims, const Manifest &m) {
  std::vector<int64_t> stack;
  auto overflow = [&] { fail("the size ", toString(size, m), " does not fit 64 bits at ", dims.str()); };
  for (const Size::Op &op : size.ops()) {
    if (op.kind() == Size::CONSTANT) {
      stack.push_back(op.value());
      continue;
    }
    if (op.kind() == Size::SYMBOL) {
      if (op.value() < 0 || op.value() >= m.symbols_size())
        fail("the manifest in this binary is damaged: a size names dim ", op.value());
      int64_t v = dims[static_cast<int>(op.value())];
      if (v == DimValues::kUnset)
        fail("the runtime dimension ", m.symbols(op.value()).name(), " has no value");
      stack.push_back(v);
      continue;
    }
    if (stack.size() < 2)
      fail("the manifest in this binary is damaged: a size formula lacks an operand");
    int64_t b = stack.back(), a = stack[stack.size() - 2], r = 0;
    stack.pop_back();
    switch (op.kind()) {
    case Size::ADD:
      if (__builtin_add_overflow(a, b, &r))
        overflow();
      break;
    case Size::MUL:
      if (__builtin_mul_overflow(a, b, &r))
        overflow();
      break;
    default:
      if (b <= 0)
        fail("the size ", toString(size, m), " divides by ", b, " at ", dims.str());
      r = op.kind() == Size::FLOORDIV ? floorDiv(a, b) : a - floorDiv(a, b) * b;
    }
    stack.back() = r;
  }
  if (stack.size() != 1)
    fail("the manifest in this binary is damaged: a size formula leaves ", stack.size(), " values");
  return stack.back();
}

std::vector<int64_t> evaluate(const google::protobuf::RepeatedPtrField<Size> &sizes, const DimValues &dims, const Manifest &m) {
  std::vector<int64_t> out;
  for (const Size &s : sizes) {
    out.push_back(evaluate(s, dims, m));
    if (out.back() < 0)
      fail("the size ", toString(s, m), " is negative at ", dims.str());
  }
  return out;
}

std::string toString(const Size &size, const Manifest &m) {
  std::vector<std::string> stack;
  for (const Size::Op &op : size.ops()) {
    if (op.kind() == Size::CONSTANT) {
      stack.push_back(std::to_string(op.value()));
    } else if (op.kind() == Size::SYMBOL) {
      bool known = op.value() >= 0 && op.value() < m.symbols_size();
      stack.push_back(known ? m.symbols(op.value()).name() : "?");
    } else if (stack.size() >= 2) {
      const char *sign = op.kind() == Size::ADD ? " + " : op.kind() == Size::MUL ? " * " : op.kind() == Size::MOD ? " % " : " // ";
      std::string b = stack.back();
      stack.pop_back();
      auto group = [&](const std::string &s) {
        return op.kind() != Size::ADD && s.find(' ') != std::string::npos && (s.find('+') != std::string::npos || op.kind() != Size::MUL)
                   ? "(" + s + ")"
                   : s;
      };
      stack.back() = group(stack.back()) + sign + group(b);
    }
  }
  return stack.empty() ? "?" : stack.back();
}

std::string toString(const std::vector<int64_t> &shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

int64_t elementCount(const std::vector<int64_t> &shape, const std::string &what) {
  int64_t n = 1;
  for (int64_t d : shape)
    if (d < 0 || __builtin_mul_overflow(n, d, &n))
      fail(what, ": the shape ", toString(shape), " has more elements than 64 bits count");
  return n;
}

int64_t byteSize(DType type) {
  switch (type) {
  case BOOL:
    return 1;
  case BF16:
  case F16:
    return 2;
  case F64:
    return 8;
  default:
    return 4;
  }
}

const char *typeName(DType type) {
  static const char *const names[] = {"F32", "I32", "BOOL", "BF16", "F16", "F64"};
  return type >= 0 && type < 6 ? names[type] : "?";
}

const Program *findProgram(const Manifest &m, const std::string &role) {
  for (const Program &p : m.programs())
    if (p.role() == role)
      return &p;
  return nullptr;
}

const Program &getProgram(const Manifest &m, const std::string &role) {
  if (const Program *p = findProgram(m, role))
    return *p;
  std::string have;
  for (const Program &p : m.programs())
    have += (have.empty() ? "" : ", ") + p.role();
  fail("this binary has no program for the role ", role, "\nnote: it has ", have);
}

int findInput(const Program &p, const std::string &role) {
  for (int i = 0; i < p.inputs_size(); ++i)
    if (p.inputs(i).role() == role)
      return i;
  return -1;
}

int findOutput(const Program &p, const std::string &name) {
  for (int i = 0; i < p.outputs_size(); ++i)
    if (p.outputs(i).name() == name)
      return i;
  return -1;
}

} // namespace tintype::rt
