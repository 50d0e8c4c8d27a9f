//===- fuzz_safetensors.cpp - weight files from anywhere ------------------===//
//
// Every input ends in views that lie inside it, or in an Error.
//
//===----------------------------------------------------------------------===//
#include "runtime/Safetensors.h"
#include <cstdlib>

using namespace tintype::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<TensorView> views;
  std::map<std::string, std::string> metadata;
  std::string file = "fuzz";
  try {
    parseSafetensors(file, data, size, views, metadata);
  } catch (const Error &) {
    return 0;
  }
  for (const TensorView &t : views) {
    std::vector<float> floats(t.isFloat() ? t.elements : 0);
    std::vector<int64_t> ints(t.isInteger() ? t.elements : 0);
    if (t.isFloat())
      t.copyTo(floats.data());
    if (t.isInteger())
      t.copyTo(ints.data());
    if (t.data < data || t.data + t.elements * byteSize(t.type) > data + size)
      abort();
  }
  return 0;
}
