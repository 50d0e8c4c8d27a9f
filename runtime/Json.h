//===- Json.h - JSON from outside -----------------------------------------===//
#pragma once
#include <nlohmann/json.hpp>
#include <string_view>

namespace tintype::rt {

/// `text` as JSON, or a discarded value for what is none, and for what is nested
/// deeper than anything of ours: copies and prints call themselves for each level.
inline nlohmann::json parseJson(std::string_view text) {
  using Json = nlohmann::json;
  constexpr int kDeepest = 64;
  bool tooDeep = false;
  Json json = Json::parse(text, [&](int depth, Json::parse_event_t, Json &) { return !(tooDeep |= depth > kDeepest); }, false);
  return tooDeep ? Json(Json::value_t::discarded) : json;
}

} // namespace tintype::rt
