//===- Inputs.cpp ---------------------------------------------------------===//
#include "runtime/Inputs.h"
#include <cstring>

namespace tintype::rt {

constexpr int64_t kIgnored = -100; // a target that counts for nothing, as peers write it

/// The tensor that feeds an input, or null. The keep mask is read off the targets.
static const TensorView *tensorFor(const Input &in, const TensorSource &source) {
  std::string role = in.role() == "targets_keep" ? "targets" : in.role();
  for (const std::string &name : {"batch." + role, "batch." + in.name()})
    if (const TensorView *t = source.find(name))
      return t;
  return nullptr;
}

DimValues dimsOfBatch(const Manifest &m, const Program &p, const TensorSource &source) {
  DimValues dims(m);
  for (const Input &in : p.inputs())
    if (const TensorView *t = tensorFor(in, source))
      dims.bind(in.dims(), t->shape, source.path() + ": " + t->name);
  return dims;
}

/// What an input without a tensor holds, or an Error when nothing sensible can be said.
static std::vector<int64_t> absentIds(const Input &in, const Manifest &m, const Program &p, const TensorSource &source,
                                      const std::vector<int64_t> &shape, uint64_t seed) {
  std::vector<int64_t> out(elementCount(shape, in.name()), 0);
  if (in.role() == "mask")
    out.assign(out.size(), 1);
  else if (in.role() == "rng")
    out = {static_cast<int64_t>(seed & INT32_MAX), 0};
  else if (in.role() == "targets" && m.task() == "causal_lm" && findInput(p, "tokens") >= 0) {
    const TensorView *tokens = tensorFor(p.inputs(findInput(p, "tokens")), source);
    std::vector<int64_t> ids(tokens ? tokens->elements : 0);
    if (ids.size() != out.size())
      fail(source.path(), ": batch.tokens: expected as many tokens as targets");
    tokens->copyTo(ids.data());
    for (size_t i = 0, length = shape.back(); i < ids.size(); ++i)
      out[i] = i % length + 1 < length ? ids[i + 1] : kIgnored;
  } else if (in.role() != "segments") {
    fail(source.path(), ": expected a tensor batch.", in.role(), ", but there is none");
  }
  return out;
}

static void fillInput(const Input &in, void *data, const std::vector<int64_t> &shape, Executor &e, const Manifest &m,
                      const TensorSource &source, uint64_t seed) {
  const TensorView *t = tensorFor(in, source);
  std::string what = source.path() + ": " + (t ? t->name : "batch." + in.role());
  if (t && t->shape != shape)
    fail(what, ": expected shape ", toString(shape), ", but got ", toString(t->shape));
  if (in.dtype() == F32) {
    if (!t)
      fail(source.path(), ": expected a tensor batch.", in.role(), ", but there is none");
    return t->copyTo(static_cast<float *>(data));
  }
  bool isKeep = in.role() == "targets_keep", isTargets = in.role() == "targets";
  std::vector<int64_t> ids;
  if (t) {
    ids.resize(t->elements);
    t->copyTo(ids.data());
  } else {
    Input asTargets = in;
    if (isKeep)
      asTargets.set_role("targets");
    ids = absentIds(asTargets, m, e.program(), source, shape, seed);
  }
  bool hasKeep = findInput(e.program(), "targets_keep") >= 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    int64_t v = ids[i];
    if (isKeep)
      v = v != kIgnored;
    else if (isTargets && v == kIgnored && hasKeep)
      v = 0;
    else if (in.bound() > 0 && (v < 0 || v >= in.bound()))
      fail(what, ": expected ids in [0, ", in.bound(), "), but element ", i, " is ", v);
    if (in.dtype() == BOOL)
      static_cast<uint8_t *>(data)[i] = v != 0;
    else if (in.dtype() == I32 && v == static_cast<int32_t>(v))
      static_cast<int32_t *>(data)[i] = static_cast<int32_t>(v);
    else
      fail(what, ": element ", i, " = ", v, " does not fit type ", typeName(in.dtype()));
  }
}

void fillInputs(Executor &e, const Manifest &m, const TensorSource &source, uint64_t seed) {
  for (int i = 0; i < e.program().inputs_size(); ++i) {
    const Input &in = e.program().inputs(i);
    if (void *data = e.input(in.role()))
      fillInput(in, data, e.inputShape(i), e, m, source, seed);
  }
}

} // namespace tintype::rt
