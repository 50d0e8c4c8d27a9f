//===- TextBatch.cpp - windows of tokens as a program's inputs ------------===//
#include "runtime/TextBatch.h"
#include <algorithm>
#include <cstring>

namespace tintype::rt {
namespace {

const Input &tokensOf(const Manifest &m, const Program &p) {
  int index = findInput(p, "tokens");
  if (index >= 0 && p.inputs(index).dims_size() == 2 && p.inputs(index).dtype() == I32)
    return p.inputs(index);
  std::string takes;
  for (const Input &in : p.inputs())
    takes += (takes.empty() ? "" : ", ") + in.role();
  fail("expected a model of text, but program ", p.role(), " of ", m.model(), " takes ", takes.empty() ? "nothing" : takes,
       " and no tokens [B, T]");
}

/// Index of the runtime dim that `size` is, or -1.
int symbolOf(const Size &size) { return size.ops_size() == 1 && size.ops(0).kind() == Size::SYMBOL ? int(size.ops(0).value()) : -1; }

void setDim(DimValues &dims, const Manifest &m, const Size &size, int64_t value, const char *what) {
  int symbol = symbolOf(size);
  if (symbol >= 0)
    return dims.set(symbol, value);
  int64_t fixed = evaluate(size, dims, m);
  if (fixed != value)
    fail("expected a ", what, " of ", fixed, ", which this binary was built for, but got ", value);
}

/// Writes `value` to all elements of an input of any type.
void fillConstant(Executor &e, int index, void *data, int value) {
  const Input &in = e.program().inputs(index);
  int64_t count = elementCount(e.inputShape(index), in.name());
  if (in.dtype() == BOOL)
    std::memset(data, value, size_t(count));
  else if (in.dtype() == I32)
    std::fill_n(static_cast<int32_t *>(data), count, value);
  else if (in.dtype() == F32)
    std::fill_n(static_cast<float *>(data), count, float(value));
  else
    fail("expected ", in.role(), " of type BOOL, I32 or F32, but got ", typeName(in.dtype()));
}

} // namespace

int64_t vocabOf(const Manifest &m, const std::string &role) {
  int64_t bound = tokensOf(m, getProgram(m, role)).bound();
  return bound > 0 ? bound : INT32_MAX;
}

void expectCausal(const Manifest &m, const char *what) {
  if (m.task() != "causal_lm")
    fail("expected a causal_lm to ", what, ", but ", m.model(), " is a ", m.task());
}

DimValues textDims(const Manifest &m, const Program &p, int64_t batch, int64_t context) {
  const Input &tokens = tokensOf(m, p);
  DimValues dims(m);
  setDim(dims, m, tokens.dims(0), batch, "batch");
  setDim(dims, m, tokens.dims(1), context, "context");
  return dims;
}

int64_t largestContext(const Manifest &m, const Program &p, int64_t otherwise) {
  const Size &size = tokensOf(m, p).dims(1);
  int symbol = symbolOf(size);
  if (symbol < 0)
    return evaluate(size, DimValues(m), m);
  return m.symbols(symbol).max() > 0 ? m.symbols(symbol).max() : otherwise;
}

int64_t contextMultiple(const Manifest &m, const Program &p) {
  int symbol = symbolOf(tokensOf(m, p).dims(1));
  return symbol < 0 ? 1 : std::max<int64_t>(1, m.symbols(symbol).multiple());
}

void fillText(Executor &e, const std::vector<int32_t> &windows, int64_t batch, int64_t context, uint64_t seed, uint64_t step) {
  for (int i = 0; i < e.program().inputs_size(); ++i) {
    const std::string &role = e.program().inputs(i).role();
    void *data = e.input(role);
    if (!data)
      continue; // no kernel reads it
    auto *ids = static_cast<int32_t *>(data);
    bool isTargets = role == "targets";
    if (role == "tokens" || isTargets) {
      if (e.inputShape(i) != std::vector<int64_t>{batch, context})
        fail("expected ", role, " [B, T], but program ", e.program().role(), " takes ", toString(e.inputShape(i)));
      for (int64_t b = 0; b < batch; ++b)
        std::copy_n(windows.begin() + b * (context + 1) + isTargets, context, ids + b * context);
    } else if (role == "rng") {
      ids[0] = int32_t(seed & INT32_MAX);
      ids[1] = int32_t(step & INT32_MAX);
    } else if (role == "mask" || role == "targets_keep") {
      fillConstant(e, i, data, 1);
    } else if (role == "segments") {
      fillConstant(e, i, data, 0);
    } else {
      fail("program ", e.program().role(), " takes ", role, ", which text does not give");
    }
  }
}

} // namespace tintype::rt
