//===- Flags.h - the numbers that a flag may hold ---------------*- C++ -*-===//
#pragma once
#include <CLI/App.hpp>
#include <cerrno>
#include <cmath>
#include <limits>
#include <sstream>

namespace tintype::rt {

/// What is wrong with `text` as a number in [least, most], or in (least, most]; empty when nothing is.
template <typename T> std::string whyNotInRange(const std::string &text, T least, T most, bool isOpen) {
  constexpr bool isWhole = std::is_integral_v<T>;
  std::ostringstream message;
  message.precision(10);
  T value{};
  errno = 0; // the parser takes what is too large for its type for the type's end, and what is below 0 for another number
  bool isNumber = CLI::detail::lexical_cast(text, value) && (isWhole ? errno != ERANGE : std::isfinite(double(value))) &&
                  (std::is_signed_v<T> || text[0] != '-');
  bool isLarge = isWhole && !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (isNumber ? value > most : isLarge)
    message << "expected at most " << most;
  else if (!isNumber)
    message << (isWhole ? "expected a whole number" : "expected a number");
  else if (value < least || (isOpen && value == least))
    message << (isOpen ? "expected more than " : "expected at least ") << least;
  else
    return "";
  message << ", but got " << (text.empty() ? "nothing" : text);
  return message.str();
}

/// Checks a flag. The message names only the end that was passed, `expected at least 1, but got 0`: the other one
/// may be no more than the end of a type.
template <typename T> CLI::Validator inRange(T least, T most = std::numeric_limits<T>::max()) {
  return CLI::Validator([=](std::string &text) { return whyNotInRange(text, least, most, false); }, "");
}
template <typename T> CLI::Validator moreThan(T least) {
  return CLI::Validator([=](std::string &text) { return whyNotInRange(text, least, std::numeric_limits<T>::max(), true); }, "");
}

} // namespace tintype::rt
