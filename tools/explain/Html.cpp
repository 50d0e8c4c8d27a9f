//===- Html.cpp - small pieces of a page ----------------------------------===//
#include "tools/explain/Html.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <cmath>

using llvm::StringRef;

namespace tintype::explain {

std::string escape(StringRef text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    switch (c) {
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '&':
      out += "&amp;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

std::string digits(double value, int most) {
  if (value == 0)
    return "0";
  int whole = int(std::floor(std::log10(std::fabs(value)))) + 1;
  char text[40];
  snprintf(text, sizeof(text), "%.*f", std::max(0, std::min(most, most - whole)), value);
  return text;
}

static std::string scaled(double value, const char *const units[], int count, double base) {
  int u = 0;
  for (; value >= base && u + 1 < count; ++u)
    value /= base;
  return digits(value) + (*units[u] ? " " : "") + units[u];
}

std::string flopText(double flops) {
  const char *const units[] = {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"};
  return scaled(flops, units, 5, 1000);
}

std::string countText(double count) {
  const char *const units[] = {"", "k", "M", "G", "T"};
  return scaled(count, units, 5, 1000);
}

std::string timeText(double seconds) {
  const char *const units[] = {"ns", "µs", "ms", "s"};
  return scaled(seconds * 1e9, units, 4, 1000);
}

std::string percent(double share) {
  char text[32];
  snprintf(text, sizeof(text), share < 0.0995 ? "%.1f %%" : "%.0f %%", share * 100);
  return text;
}

std::string bar(double share, StringRef kind) {
  char width[32];
  snprintf(width, sizeof(width), "%.1f", std::max(0.0, std::min(share, 1.0)) * 100);
  return ("<span class=\"bar " + kind + "\"><i style=\"width:" + width + "%\"></i></span>").str();
}

std::string chip(const Report &report, int kernel) {
  const Kernel &k = report.kernels[kernel];
  std::string number = std::to_string(kernel + 1);
  return "<a class=\"chip " + k.kind + "\" href=\"#k" + number + "\">K" + number + "</a>";
}

std::string place(const Report &report, StringRef label) {
  if (label.empty())
    return "";
  auto [front, column] = label.rsplit(':');
  auto [file, line] = front.rsplit(':');
  std::string text = escape((llvm::sys::path::filename(file) + ":" + line).str());
  std::string anchor = report.anchorOf(label);
  return anchor.empty() ? text : "<a href=\"#" + anchor + "\">" + text + "</a>";
}

std::string lineText(const Report &report, StringRef label) {
  auto [front, column] = label.rsplit(':');
  auto [file, line] = front.rsplit(':');
  unsigned number;
  if (line.getAsInteger(10, number))
    return "";
  for (const Source &s : report.sources) {
    if (s.name != file)
      continue;
    StringRef rest = s.text;
    for (unsigned i = 1; i < number; ++i)
      rest = rest.split('\n').second;
    return rest.split('\n').first.trim().str();
  }
  return "";
}

} // namespace tintype::explain
