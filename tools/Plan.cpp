//===- Plan.cpp - programs of a manifest at fixed runtime dims ------------===//
#include "tools/Plan.h"
#include <algorithm>

namespace tintype {

static void markUsed(const google::protobuf::RepeatedPtrField<Size> &sizes, std::vector<bool> &used) {
  for (const Size &s : sizes)
    for (const Size::Op &op : s.ops())
      if (op.kind() == Size::SYMBOL)
        used[op.value()] = true;
}

Dims typicalDims(const Manifest &manifest, const Program &program, int64_t batch, int64_t context) {
  std::vector<bool> used(manifest.symbols_size());
  for (const Input &in : program.inputs())
    markUsed(in.dims(), used);
  Dims dims(manifest.symbols_size(), 0);
  for (int i = 0; i < manifest.symbols_size(); ++i) {
    const Symbol &s = manifest.symbols(i);
    int64_t wanted = s.name() == "B" ? batch : s.name() == "T" ? context : 256;
    int64_t multiple = std::max<int64_t>(s.multiple(), 1);
    if (used[i])
      dims[i] = std::max(s.min(), std::min(wanted, s.max()) / multiple * multiple);
  }
  return dims;
}

std::string toString(const Manifest &manifest, const Dims &dims) {
  std::string text;
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] > 0)
      text += (text.empty() ? "" : ", ") + manifest.symbols(i).name() + " = " + std::to_string(dims[i]);
  return text;
}

/// Sizes of an edited file may be any: sums of these fit.
static int64_t bounded(__int128 n) {
  constexpr __int128 kMost = __int128(1) << 50;
  return int64_t(std::clamp(n, -kMost, kMost));
}

int64_t evaluate(const Size &size, const Dims &dims) {
  std::vector<int64_t> stack;
  for (const Size::Op &op : size.ops()) {
    if (op.kind() == Size::CONSTANT || op.kind() == Size::SYMBOL) {
      stack.push_back(bounded(op.kind() == Size::CONSTANT ? op.value() : dims[op.value()]));
      continue;
    }
    int64_t b = stack.back();
    stack.pop_back();
    int64_t &a = stack.back();
    switch (op.kind()) {
    case Size::ADD:
      a = bounded(__int128(a) + b);
      break;
    case Size::MUL:
      a = bounded(__int128(a) * b);
      break;
    case Size::FLOORDIV:
      a = b ? a / b : 0;
      break;
    default:
      a = b ? a % b : 0;
      break;
    }
  }
  return stack.empty() ? 0 : stack.back();
}

int64_t bytesOf(DType type) {
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

Plan::Plan(const Manifest &manifest, const Program &program, const Dims &dims) : alive(program.launches_size(), 0) {
  std::vector<std::string> shapes(program.buffers_size());
  for (const Launch &l : program.launches())
    for (const Arg &r : l.results()) {
      std::string &shape = shapes[r.buffer()];
      if (!shape.empty())
        continue;
      for (const Size &d : r.dims())
        shape += (shape.empty() ? "" : " × ") + std::to_string(evaluate(d, dims));
    }
  std::vector<int64_t> change(alive.size() + 1, 0);
  for (int i = 0; i < program.buffers_size(); ++i) {
    const Buffer &b = program.buffers(i);
    if (b.kind() != Buffer::ARENA || b.last() < b.first())
      continue;
    tensors.push_back({i, b.first(), b.last(), evaluate(b.elements(), dims) * bytesOf(b.dtype()), shapes[i]});
    change[b.first()] += tensors.back().bytes;
    change[b.last() + 1] -= tensors.back().bytes;
  }
  int64_t now = 0;
  for (size_t l = 0; l < alive.size(); ++l) {
    alive[l] = now += change[l];
    if (alive[l] > alive[peak])
      peak = int(l);
  }
}

std::vector<Plan::Tensor> Plan::atPeak() const {
  std::vector<Tensor> here;
  for (const Tensor &t : tensors)
    if (t.first <= peak && peak <= t.last)
      here.push_back(t);
  std::sort(here.begin(), here.end(),
            [](const Tensor &a, const Tensor &b) { return a.bytes != b.bytes ? a.bytes > b.bytes : a.buffer < b.buffer; });
  return here;
}

const Program *mainProgram(const Manifest &manifest, const std::string &dtype) {
  std::vector<std::string> roles = {"train_step_bf16"};
  if (dtype != "bf16")
    roles = {"train_step", "forward"};
  for (const std::string &role : roles)
    for (const Program &p : manifest.programs())
      if (p.role() == role)
        return &p;
  return nullptr;
}

} // namespace tintype
