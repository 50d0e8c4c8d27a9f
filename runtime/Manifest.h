//===- Manifest.h - the table linked into this binary -----------*- C++ -*-===//
//
// The compiler's description of the model (codegen/manifest.proto), and the
// arithmetic on it: size formulas over runtime dimensions and their bounds.
//
//===----------------------------------------------------------------------===//
#pragma once
#include "codegen/manifest.pb.h"
#include "runtime/Error.h"
#include <cstdint>
#include <string>
#include <vector>

namespace tintype::rt {

/// Parses the manifest at `data`; one that does not parse or refers to things
/// that are not there is a fault of the compiler, but still an Error.
Manifest parseManifest(const void *data, size_t size);

/// The manifest that the compiler linked in, parsed at the first call.
const Manifest &linkedManifest();

/// The entry of kernel `index` of the linked manifest.
using KernelEntry = int (*)(void **);
KernelEntry linkedKernel(int index);

/// Values of the runtime dimensions, by index into Manifest.symbols.
class DimValues {
public:
  static constexpr int64_t kUnset = -1;
  explicit DimValues(const Manifest &manifest);

  int64_t operator[](int symbol) const { return values[symbol]; }
  int64_t get(const std::string &name) const; ///< kUnset when there is no such dim or value
  bool has(const std::string &name) const;    ///< whether the model has such a dim
  /// Sets a dim after checking it against its bounds; naming no dim is an Error.
  void set(const std::string &name, int64_t value);
  void set(int symbol, int64_t value);
  /// Reads dims off an actual shape: a size that is one dim sets it, any other
  /// must then be equal. `what` names the tensor in messages.
  void bind(const google::protobuf::RepeatedPtrField<Size> &dims, const std::vector<int64_t> &shape, const std::string &what);
  bool operator==(const DimValues &other) const { return values == other.values; }
  std::string str() const; ///< "B = 4, T = 256"

private:
  const Manifest *manifest;
  std::vector<int64_t> values;
};

/// The value of a formula; an overflow, a division by zero or a dim without a
/// value is an Error.
int64_t evaluate(const Size &size, const DimValues &dims, const Manifest &manifest);
std::vector<int64_t> evaluate(const google::protobuf::RepeatedPtrField<Size> &sizes, const DimValues &dims, const Manifest &manifest);

/// The formula as text, "B * T".
std::string toString(const Size &size, const Manifest &manifest);
std::string toString(const std::vector<int64_t> &shape); ///< "[2, 64]"

/// Product of a shape; an overflow is an Error that names `what`.
int64_t elementCount(const std::vector<int64_t> &shape, const std::string &what);

int64_t byteSize(DType type);
const char *typeName(DType type); ///< as in safetensors files: "F32"

/// The program of a role, or null.
const Program *findProgram(const Manifest &manifest, const std::string &role);
/// The program of a role; without one an Error that lists what there is.
const Program &getProgram(const Manifest &manifest, const std::string &role);
/// Index of the input of a role, or -1.
int findInput(const Program &program, const std::string &role);
int findOutput(const Program &program, const std::string &name);

} // namespace tintype::rt
