//===- Precision.h - which form of a training program -----------*- C++ -*-===//
// A binary may hold each training program twice: ROLE, all in f32, and ROLE_bf16,
// which rounds the factors of products to bf16 and adds them up in f32. Weights,
// gradients and the optimiser's state are f32 in both.
//===----------------------------------------------------------------------===//
#pragma once
#include "runtime/Manifest.h"
#include <string>

namespace tintype::rt {

/// `given`, what --dtype says; where that is empty the recipe's precision, or f32
/// for want of that or of the program.
std::string chooseDtype(const Manifest &manifest, const std::string &given);

/// `role` or its form in bf16; one that the binary lacks is an Error.
std::string roleIn(const std::string &dtype, const Manifest &manifest, const std::string &role);

} // namespace tintype::rt
