//===- Precision.cpp - which form of a training program -------------------===//
#include "runtime/Precision.h"
#include "runtime/Error.h"
#include "runtime/Settings.h"
#include <iostream>
#include <nlohmann/json.hpp>

namespace tintype::rt {

static const std::string kSuffix = "_bf16";

static bool hasBf16(const Manifest &manifest) {
  for (const Program &p : manifest.programs())
    if (p.role() == "train_step" + kSuffix || p.role() == "trace_step" + kSuffix)
      return true;
  return false;
}

std::string chooseDtype(const Manifest &manifest, const std::string &given) {
  if (!given.empty())
    return given;
  nlohmann::json precision = recipeSection(manifest, "train").value("precision", nlohmann::json());
  if (precision != "bf16")
    return "f32";
  if (hasBf16(manifest))
    return "bf16";
  std::cerr << "note: the model asks for bf16, but this binary was built for f32 only\n";
  return "f32";
}

std::string roleIn(const std::string &dtype, const Manifest &manifest, const std::string &role) {
  if (dtype == "f32")
    return role;
  if (dtype != "bf16")
    fail("--dtype: expected f32 or bf16, but got ", dtype);
  if (!findProgram(manifest, role + kSuffix))
    fail("--dtype: expected f32, since this binary has no program ", role, kSuffix, ", but got bf16",
         hasBf16(manifest) ? "" : "\nhint: tintype build --dtype bf16 makes one that has");
  return role + kSuffix;
}

} // namespace tintype::rt
