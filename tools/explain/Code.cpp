//===- Code.cpp - statements and assembly, cut down to what counts --------===//
#include "tools/explain/Report.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>

using llvm::StringRef;

namespace tintype::explain {

static std::vector<StringRef> linesOf(StringRef text) {
  llvm::SmallVector<StringRef> lines;
  text.split(lines, '\n');
  return {lines.begin(), lines.end()};
}

static std::string replaced(StringRef text, StringRef from, StringRef to) {
  std::string out;
  for (;;) {
    size_t at = text.find(from);
    if (at == StringRef::npos)
      return out + text.str();
    out += text.take_front(at);
    out += to;
    text = text.drop_front(at + from.size());
  }
}

/// Of a longer line the rest says the same of further lanes.
static constexpr size_t kWidest = 200;

std::string cleanStatement(StringRef statement, StringRef kernel, unsigned most) {
  std::string text = replaced(statement, (kernel + "_").str(), ""), out;
  unsigned count = 0;
  for (StringRef line : linesOf(text)) {
    StringRef body = line.ltrim();
    // Names for the parts of buffers' descriptors, and the module's own line.
    if (body.starts_with("module name") || body.contains("_halide_buffer_get_") || body.starts_with("free "))
      continue;
    if (++count <= most)
      out += line.rtrim().substr(0, kWidest).str() + (line.rtrim().size() > kWidest ? " …\n" : "\n");
  }
  if (count > most)
    out += "… " + std::to_string(count - most) + " more lines: tintype build --emit stmt\n";
  return StringRef(out).rtrim().str() + "\n";
}

//===-- loops -------------------------------------------------------------===//

namespace {
/// Stores at one place of the nest, counted by target.
struct Stores {
  std::vector<std::pair<std::string, int>> targets;

  void add(StringRef target) {
    for (auto &t : targets)
      if (t.first == target) {
        ++t.second;
        return;
      }
    targets.push_back({target.str(), 1});
  }
  void flush(std::string &out, unsigned depth) {
    for (auto &[target, count] : targets)
      out += std::string(2 * depth, ' ') + (count > 1 ? std::to_string(count) + " × " : "") + target + " = …\n";
    targets.clear();
  }
};
} // namespace

/// `f0[ramp(0, 1, 16)] = ..` as `f0[16 lanes]`; empty for a line that stores nothing.
static std::string storeTarget(StringRef line) {
  size_t equals = line.find("] = "), open = line.find('[');
  if (equals == StringRef::npos || open == StringRef::npos || open > equals || line.starts_with("let "))
    return "";
  StringRef index = line.slice(open + 1, equals);
  std::string name = line.take_front(open).str();
  if (index.starts_with("ramp(")) {
    // The last number of the outermost ramp is its lanes.
    int depth = 0;
    size_t close = 0;
    for (size_t i = 4; i < index.size(); ++i) {
      depth += (index[i] == '(') - (index[i] == ')');
      if (depth == 0) {
        close = i;
        break;
      }
    }
    StringRef lanes = index.slice(0, close).rsplit(", ").second;
    return name + "[" + lanes.str() + " lanes]";
  }
  return name + "[·]";
}

std::string loopNest(StringRef statement) {
  std::string out;
  std::vector<bool> shown; // for each open brace: does it indent
  unsigned depth = 0;
  Stores stores;
  for (StringRef raw : linesOf(statement)) {
    StringRef line = raw.trim();
    if (line.empty())
      continue;
    if (line.starts_with("}")) {
      stores.flush(out, depth);
      if (!shown.empty()) {
        depth -= shown.back();
        shown.pop_back();
      }
      if (!line.ends_with("{"))
        continue;
    }
    if (line.ends_with("{")) {
      stores.flush(out, depth);
      bool show = line.starts_with("produce ") || line.starts_with("for ") || line.starts_with("for(") || line.starts_with("parallel") ||
                  line.starts_with("consume ") || line.starts_with("if ");
      if (show) {
        StringRef text = line.drop_back().rtrim();
        std::string shownText = text.str();
        if (text.consume_front("for (") && text.consume_back(")")) {
          auto [var, range] = text.split(", ");
          auto [min, extent] = range.split(", ");
          // The var without its func and stage: `f0.s1.i2.i2` is `i2` of f0.
          var.consume_back(".rebased");
          StringRef last = var.rsplit('.').second;
          shownText = "for " + (last.empty() ? var : last).str();
          shownText += " in " + (min == "0" ? "" : min.str() + " + ") + "[0, " + extent.str() + ")";
        }
        if (shownText.size() > 110)
          shownText = shownText.substr(0, 107) + "…";
        out += std::string(2 * depth, ' ') + shownText + "\n";
      }
      shown.push_back(show);
      depth += show;
      continue;
    }
    if (line.starts_with("allocate ")) {
      stores.flush(out, depth);
      out += std::string(2 * depth, ' ') + (line.size() > 110 ? line.take_front(107).str() + "…" : line.str()) + "\n";
      continue;
    }
    if (std::string target = storeTarget(line); !target.empty())
      stores.add(target);
  }
  stores.flush(out, depth);
  return out;
}

//===-- assembly ----------------------------------------------------------===//

static bool isVector(StringRef instruction) { return instruction.contains("zmm") || instruction.contains("ymm"); }

static bool isMultiplyAdd(StringRef instruction) {
  return instruction.starts_with("vfmadd") || instruction.starts_with("vfnmadd") || instruction.starts_with("vfmsub") ||
         instruction.starts_with("vdpbf16ps");
}

/// Without comments and the empty space around.
static StringRef codeOf(StringRef line) { return line.split('#').first.trim(); }

HotLoop hotLoop(StringRef assembly) {
  std::vector<StringRef> lines = linesOf(assembly);
  llvm::StringMap<size_t> labels;
  std::vector<std::pair<size_t, size_t>> loops; // first and last line
  for (size_t i = 0; i < lines.size(); ++i) {
    StringRef code = codeOf(lines[i]);
    if (code.ends_with(":")) {
      labels[code.drop_back()] = i;
    } else if (code.starts_with("j")) {
      auto [op, target] = code.split('\t');
      if (auto at = labels.find(target.trim()); at != labels.end())
        loops.push_back({at->second, i});
    }
  }
  auto isInnermost = [&](const std::pair<size_t, size_t> &l) {
    return llvm::none_of(loops, [&](auto &o) { return o != l && l.first <= o.first && o.second <= l.second; });
  };
  HotLoop best;
  int bestScore = -1;
  for (auto &loop : loops) {
    if (!isInnermost(loop))
      continue;
    HotLoop h;
    int vectors = 0;
    for (size_t i = loop.first; i <= loop.second; ++i) {
      StringRef code = codeOf(lines[i]);
      if (code.empty() || code.starts_with("."))
        if (!code.ends_with(":"))
          continue;
      h.text += (code.ends_with(":") ? code.str() : "    " + replaced(code, "\t", " ")) + "\n";
      if (code.ends_with(":"))
        continue;
      ++h.instructions;
      vectors += isVector(code);
      h.fmas += isVector(code) && isMultiplyAdd(code);
      if (code.contains("(")) { // AT&T order: the target is last
        bool stores = code.ends_with(")") && code.starts_with("v") && code.contains("mov");
        (stores ? h.stores : h.loads) += 1;
      }
      h.lanes = std::max(h.lanes, code.contains("zmm") ? 16 : code.contains("ymm") ? 8 : code.contains("xmm") ? 4 : 0);
    }
    int score = h.fmas * 10000 + vectors * 10 + (h.instructions < 200 ? 1 : 0);
    if (score > bestScore) {
      bestScore = score;
      best = std::move(h);
    }
  }
  // Long unrolled bodies repeat themselves.
  constexpr size_t most = 160;
  std::vector<StringRef> kept = linesOf(best.text);
  if (kept.size() > most) {
    std::string cut;
    for (size_t i = 0; i < most - 10; ++i)
      cut += kept[i].str() + "\n";
    cut += "    … " + std::to_string(kept.size() - most) + " more lines …\n";
    for (size_t i = kept.size() - 10; i < kept.size(); ++i)
      cut += kept[i].str() + "\n";
    best.text = cut;
  }
  return best;
}

} // namespace tintype::explain
