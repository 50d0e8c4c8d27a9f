//===- Json.h - JSON from outside -----------------------------------------===//
#pragma once
#include "runtime/Depth.h"
#include <nlohmann/json.hpp>

namespace tintype::rt {

/// `text` as JSON, or a discarded value for what is none, or too deep.
inline nlohmann::json parseJson(std::string_view text) {
  using Json = nlohmann::json;
  return tooDeep(text) ? Json(Json::value_t::discarded) : Json::parse(text, nullptr, false);
}

} // namespace tintype::rt
