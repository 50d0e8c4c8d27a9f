//===- Page.cpp - the page: frame, overview, model, programs, sources -----===//
#include "tools/Grouped.h"
#include "tools/explain/Html.h"
#include "llvm/Support/Path.h"

using llvm::StringRef;

namespace tintype::explain {

extern const char *const pageStyle;
extern const char *const pageScript;

static void tile(llvm::raw_ostream &os, const std::string &value, StringRef what) {
  os << "<div class=\"tile\"><b>" << escape(value) << "</b><span>" << escape(what) << "</span></div>\n";
}

static const char *const kinds[] = {"contraction", "row", "pointwise", "scatter"};

void writeOverview(const Report &r, llvm::raw_ostream &os) {
  const ProgramFacts *main = r.programs.empty() ? nullptr : &r.programs[0];
  os << "<div class=\"tiles\" id=\"overview\">\n";
  if (r.run) {
    tile(os, timeText(r.run->stepSeconds), "a step, measured");
    tile(os, countText(r.run->tokensPerSecond), "tokens per second");
    tile(os, percent(r.run->fraction), "of the FMA peak, " + digits(r.run->peakGflops) + " GFLOP/s");
  }
  if (main)
    tile(os, flopText(main->flops), "in one " + main->role);
  size_t inMain = 0;
  for (const Kernel &k : r.kernels)
    inMain += k.launches > 0;
  if (main)
    tile(os, grouped(int64_t(main->launches.size())), "launches of " + std::to_string(inMain) + " kernels");
  tile(os, countText(double(r.parameters)), "parameters");
  if (r.plan && !r.plan->alive.empty())
    tile(os, formatBytes(double(r.plan->alive[r.plan->peak])), "of temporaries at the peak");
  if (r.run)
    tile(os, formatBytes(r.run->rssBytes), "resident memory");
  os << "</div>\n";

  // Where the time goes, or, without a run, the operations.
  std::map<std::string, double> parts;
  double all = 0;
  for (const Kernel &k : r.kernels)
    parts[k.kind] += r.run ? (k.measured ? k.measured->seconds : 0) : k.flops;
  for (auto &part : parts)
    all += part.second;
  if (all <= 0)
    return;
  os << "<div class=\"stack\">";
  for (const char *kind : kinds)
    os << "<i class=\"" << kind << "\" style=\"background:var(--c);width:" << digits(parts[kind] / all * 100, 4) << "%\" title=\"" << kind
       << "\"></i>";
  os << "</div>\n<div class=\"legend\">";
  for (const char *kind : kinds) {
    if (parts[kind] <= 0)
      continue;
    os << "<span class=\"" << kind << "\"><i></i>" << kind << " " << percent(parts[kind] / all);
    if (r.run && r.run->byKind.count(kind))
      os << ", " << timeText(parts[kind]) << ", " << percent(r.run->byKind.at(kind).roof) << " of its roof";
    os << "</span>";
  }
  os << "<span class=\"faint\">" << (r.run ? "CPU time of one step by kind of kernel" : "operations of one step by kind of kernel")
     << "</span></div>\n";
}

//===-- the model ---------------------------------------------------------===//

static void row(llvm::raw_ostream &os, const std::string &name, const std::string &shape, const std::string &parameters, double flops,
                double whole) {
  os << "<span>" << name << "</span><span class=\"n\">" << shape << "</span><span class=\"n\">" << parameters << "</span><span class=\"n\">"
     << (flops > 0 ? flopText(flops) : "") << "</span><span>"
     << (flops > 0 && whole > 0 ? bar(flops / whole) + " <span class=\"faint\">" + percent(flops / whole) + "</span>" : "") << "</span>";
}

static void writeBlock(const Report &r, const Block &b, int depth, llvm::raw_ostream &os) {
  std::string name = "<b>" + escape(b.name);
  if (b.count > 1)
    name += " … " + escape(b.last) + "</b> <span class=\"soft\">" + std::to_string(b.count) + " equal blocks</span>";
  else
    name += "</b>";
  // The kernels of the main program that come from here.
  std::string chips;
  int shown = 0, more = 0;
  for (size_t k = 0; k < r.kernels.size(); ++k)
    if (r.kernels[k].launches && r.kernels[k].blocks.count(b.path))
      ++shown <= 7 ? void(chips += chip(r, int(k))) : void(++more);
  if (more)
    chips += "<span class=\"faint\">+" + std::to_string(more) + "</span>";
  name += " " + chips;
  double each = b.flops * b.count;
  if (b.definitions.empty() && b.parts.empty()) {
    os << "<div class=\"r leaf\" style=\"--d:" << depth << "\">";
    row(os, name, escape(b.shape), b.parameters ? countText(double(b.parameters * b.count)) : "", each, r.root.flops);
    os << "</div>\n";
    return;
  }
  os << "<details" << (depth < 1 ? " open" : "") << "><summary class=\"r\" style=\"--d:" << depth << "\">";
  row(os, name, escape(b.shape), b.parameters ? countText(double(b.parameters * b.count)) : "", each, r.root.flops);
  os << "</summary>\n";
  for (const Definition &d : b.definitions) {
    std::string label = d.place.str(), line = lineText(r, label);
    os << "<div class=\"r leaf\" style=\"--d:" << depth + 1 << "\">";
    row(os,
        "<code>" + escape(line.empty() ? d.what : line) + "</code> <span class=\"faint\">" + place(r, label) + " " + escape(d.what) +
            "</span>",
        escape(d.shape), "", d.flops * b.count, r.root.flops);
    os << "</div>\n";
  }
  for (const auto &part : b.parts)
    writeBlock(r, *part, depth + 1, os);
  os << "</details>\n";
}

/// FLOPs of a block that stands for several are those of all of them.
static double multiplied(Block &b) {
  double own = 0;
  for (const Definition &d : b.definitions)
    own += d.flops;
  for (auto &part : b.parts)
    own += multiplied(*part) * part->count;
  return b.flops = own;
}

void writeModel(const Report &r, llvm::raw_ostream &os) {
  os << "<h2 id=\"model\">Model</h2>\n<p class=\"lead\">The forward function by block, before any pass: what each computes, "
        "its shape and its operations"
     << (r.dims.empty() ? "" : " at " + r.dims) << ". The numbers lead to the kernels that a block became, in forward and backward.</p>\n";
  os << "<div class=\"tree\"><div class=\"r head\"><span>block</span><span class=\"n\">shape</span><span class=\"n\">parameters</span>"
        "<span class=\"n\">forward</span><span>share</span></div>\n";
  Block &root = const_cast<Block &>(r.root);
  multiplied(root);
  for (const Definition &d : r.root.definitions) {
    std::string label = d.place.str(), line = lineText(r, label);
    os << "<div class=\"r leaf\" style=\"--d:0\">";
    row(os,
        "<code>" + escape(line.empty() ? d.what : line) + "</code> <span class=\"faint\">" + place(r, label) + " " + escape(d.what) +
            "</span>",
        escape(d.shape), "", d.flops, r.root.flops);
    os << "</div>\n";
  }
  for (const auto &part : r.root.parts)
    writeBlock(r, *part, 0, os);
  os << "</div>\n";
}

//===-- programs ----------------------------------------------------------===//

void writePrograms(const Report &r, llvm::raw_ostream &os) {
  os << "<h2 id=\"programs\">Programs</h2>\n<p class=\"lead\">What the binary runs: launches of kernels, in order. A launch "
        "computes its result in blocks, which threads share.</p>\n";
  for (size_t p = 0; p < r.programs.size(); ++p) {
    const ProgramFacts &f = r.programs[p];
    bool isMain = p == 0;
    os << "<details class=\"card\" id=\"p" << p << "\"><summary><b>" << escape(f.role) << "</b><span class=\"soft\">(" << escape(f.inputs)
       << ") → " << escape(f.outputs) << "</span><span class=\"grow\"></span><span class=\"soft\">" << f.launches.size()
       << (f.launches.size() == 1 ? " launch" : " launches") << (f.flops > 0 ? ", " + flopText(f.flops) : "")
       << (f.dims.empty() ? "" : ", " + f.dims) << "</span></summary><div class=\"in wrap\">\n";
    os << "<table><thead><tr><th class=\"n\">#</th><th>kernel</th><th>block</th><th>source</th><th>result</th><th class=\"n\">blocks</th>"
          "<th class=\"n\">operations</th><th class=\"n\">bytes</th>"
       << (r.run && isMain ? "<th class=\"n\">time</th>" : "") << "</tr></thead><tbody>\n";
    for (size_t l = 0; l < f.launches.size(); ++l) {
      const Launch &x = f.launches[l];
      const Kernel &k = r.kernels[x.kernel];
      os << "<tr";
      if (isMain) // what the chart and the table of tensors lead to
        os << " id=\"l0-" << l << "\"";
      os << "><td class=\"n s\">" << l << "</td><td>" << chip(r, x.kernel) << "</td><td>" << escape(x.block) << "</td><td>"
         << place(r, x.label) << "</td><td>" << escape(x.shape) << "</td><td class=\"n\">" << escape(x.grid) << "</td><td class=\"n\">"
         << (x.flops > 0 ? flopText(x.flops) : "") << "</td><td class=\"n\">" << formatBytes(x.bytes) << "</td>";
      if (r.run && isMain)
        os << "<td class=\"n\">" << (k.measured && k.measured->calls > 0 ? timeText(k.measured->seconds / k.measured->calls) : "")
           << "</td>";
      os << "</tr>\n";
    }
    os << "</tbody></table></div></details>\n";
  }
}

//===-- sources -----------------------------------------------------------===//

void writeSources(const Report &r, llvm::raw_ostream &os) {
  os << "<h2 id=\"sources\">Sources</h2>\n<p class=\"lead\">Each line with the kernels that compute it, or whose computation it led "
        "to.</p>\n";
  std::map<std::string, std::vector<int>> kernelsOf;
  for (size_t k = 0; k < r.kernels.size(); ++k)
    for (const std::string &line : r.kernels[k].lines)
      kernelsOf[line].push_back(int(k));
  for (size_t s = 0; s < r.sources.size(); ++s) {
    std::string prefix = "s" + std::to_string(s + 1) + "-";
    os << "<h3 style=\"margin-top:20px\" id=\"s" << s + 1 << "\">" << escape(r.sources[s].name) << "</h3>\n<div class=\"source\">\n";
    StringRef rest = r.sources[s].text;
    for (int number = 1; !rest.empty(); ++number) {
      auto [line, next] = rest.split('\n');
      rest = next;
      std::string anchor = prefix + std::to_string(number);
      auto [code, comment] = line.split('#');
      os << "<div class=\"line\" id=\"" << anchor << "\"><a href=\"#" << anchor << "\">" << number << "</a><code>" << escape(code);
      if (code.size() < line.size())
        os << "<span class=\"c\">#" << escape(comment) << "</span>";
      os << "</code><span>";
      auto it = kernelsOf.find(anchor);
      if (it != kernelsOf.end()) {
        bool isMany = it->second.size() > 6;
        if (isMany)
          os << "<details><summary class=\"faint\">" << it->second.size() << " kernels</summary>";
        for (int k : it->second)
          os << chip(r, k);
        if (isMany)
          os << "</details>";
      }
      os << "</span></div>\n";
    }
    os << "</div>\n";
  }
}

//===-- the whole ---------------------------------------------------------===//

void writePage(const Report &r, llvm::raw_ostream &os) {
  os << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n<title>"
     << escape(r.model) << ", explained</title>\n<style>\n"
     << pageStyle << "</style></head>\n<body>\n";
  os << "<nav><div><b>" << escape(r.model) << "</b>";
  const char *const sections[][2] = {{"overview", "Overview"}, {"model", "Model"},     {"programs", "Programs"}, {"kernels", "Kernels"},
                                     {"memory", "Memory"},     {"remarks", "Remarks"}, {"sources", "Sources"}};
  for (auto &section : sections)
    os << "<a href=\"#" << section[0] << "\">" << section[1] << "</a>";
  os << "</div></nav>\n<header class=\"top\"><h1>" << escape(r.title) << "</h1>\n<p class=\"lead\">" << escape(r.task) << ", "
     << grouped(r.parameters) << " parameters" << (r.dims.empty() ? "" : ", " + escape(r.dims)) << "; " << escape(r.target) << "; Tintype "
     << escape(r.version) << "</p></header>\n<main>\n";
  writeOverview(r, os);
  writeModel(r, os);
  writePrograms(r, os);
  writeKernels(r, os);
  writeMemory(r, os);
  writeRemarks(r, os);
  writeSources(r, os);
  os << "</main>\n<footer>Written by tintype explain. "
     << (r.run ? "Times are CPU time of one core in a run of the binary; rates and roofs were probed in the same run." : "Not measured.")
     << "</footer>\n<div id=\"tip\"></div>\n<script>\n"
     << pageScript << "</script>\n</body></html>\n";
}

} // namespace tintype::explain
