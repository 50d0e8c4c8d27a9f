//===- Error.h - faults of the input, as exceptions -------------*- C++ -*-===//
//
// Everything a user can cause ends in an Error, which main prints as
// "error: .." and exit status 1. Faults of our own abort.
//
//===----------------------------------------------------------------------===//
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>

namespace tintype::rt {

/// What is wrong, where, and what to do. Lines after the first start with
/// "note: " or "hint: ".
class Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Throws an Error whose text is the arguments printed one after the other.
template <typename... Ts> [[noreturn]] void fail(const Ts &...parts) {
  std::ostringstream out;
  (out << ... << parts);
  throw Error(out.str());
}

} // namespace tintype::rt
