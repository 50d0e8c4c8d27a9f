//===- PageKernels.cpp - the page: kernels, memory, remarks ---------------===//
#include "tools/explain/Html.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include <algorithm>
#include <cmath>

using llvm::StringRef;

namespace tintype::explain {

static std::string shortened(StringRef text, size_t most) {
  return text.size() <= most ? text.str() : text.take_front(most - 1).rtrim().str() + "…";
}

/// Loops bold, multiply-adds coloured, comments faint.
static std::string coloured(StringRef text) {
  std::string out;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    text = rest;
    std::string safe = escape(line);
    StringRef body = line.ltrim();
    StringRef word = body.take_until([](char c) { return c == ' ' || c == '('; });
    std::string indent = escape(line.take_front(line.size() - body.size()));
    if (llvm::is_contained({"for", "produce", "parallel", "if", "func", "update"}, word))
      safe = indent + "<b>" + escape(word) + "</b>" + escape(body.drop_front(word.size()));
    else if (word.starts_with("vfmadd") || word.starts_with("vfnmadd") || word.starts_with("vfmsub") || word.starts_with("vdpbf16"))
      safe = "<span class=\"f\">" + safe + "</span>";
    else if (word.starts_with("let") || word.starts_with("consume"))
      safe = "<span class=\"k\">" + safe + "</span>";
    out += safe + "\n";
  }
  return out;
}

static void pane(llvm::raw_ostream &os, StringRef title, const std::string &text, bool isWide = false, bool isFolded = false) {
  if (text.empty())
    return;
  os << "<div class=\"pane" << (isWide ? " wide" : "") << "\">";
  if (isFolded)
    os << "<details><summary>" << title << "</summary><pre>" << coloured(text) << "</pre></details>";
  else
    os << "<h3>" << title << "</h3><pre>" << coloured(text) << "</pre>";
  os << "</div>\n";
}

/// The line that a kernel mostly computes, or what runs it where no source says that.
static std::string computes(const Report &r, int index) {
  const Kernel &k = r.kernels[index];
  if (std::string line = lineText(r, k.label); !line.empty())
    return line;
  for (const ProgramFacts &p : r.programs)
    for (const Launch &l : p.launches)
      if (l.kernel == index)
        return p.role;
  return "";
}

static void fact(llvm::raw_ostream &os, StringRef what, const std::string &value) {
  if (!value.empty())
    os << "<div><span>" << what << "</span>" << value << "</div>";
}

static void writeKernel(const Report &r, int index, llvm::raw_ostream &os) {
  const Kernel &k = r.kernels[index];
  os << "<details class=\"card\" id=\"k" << index + 1 << "\"><summary><span class=\"chip " << k.kind << "\">K" << index + 1 << "</span><b>"
     << escape(k.kind) << "</b><code class=\"soft\">" << escape(computes(r, index)) << "</code><span class=\"grow\"></span>";
  if (k.measured)
    os << "<span>" << timeText(k.measured->seconds) << "</span> " << bar(k.measured->roof, k.kind) << "<span class=\"soft\">"
       << percent(k.measured->roof) << " of the roof</span>";
  else if (k.flops > 0)
    os << "<span class=\"soft\">" << flopText(k.flops) << "</span>";
  os << "</summary><div class=\"in\">\n<div class=\"facts\">";
  fact(os, "name", "<code>" + escape(k.name) + "</code>");
  fact(os, "source", place(r, k.label));
  std::string blocks;
  int shown = 0;
  for (const std::string &b : k.blocks)
    if (++shown <= 4)
      blocks += (blocks.empty() ? "" : ", ") + escape(b);
  if (shown > 4)
    blocks += " and " + std::to_string(shown - 4) + " more";
  fact(os, "blocks", blocks);
  if (k.launches)
    fact(os, "launches a step", std::to_string(k.launches));
  if (k.flops > 0)
    fact(os, "work", flopText(k.flops) + ", " + formatBytes(k.bytes) + ", " + digits(k.flops / std::max(k.bytes, 1.0)) + " FLOP a byte");
  if (k.measured) {
    fact(os, "time", timeText(k.measured->seconds) + ", " + percent(k.measured->share) + " of the step");
    fact(os, "rate", digits(k.measured->gflops) + " GFLOP/s, " + digits(k.measured->gbs) + " GB/s a core");
    fact(os, "bound by", k.measured->bound == "compute" ? "compute" : "memory");
  }
  fact(os, "schedule", escape(k.whence));
  os << "</div>\n<pre class=\"soft\" style=\"white-space:pre-wrap;margin:0\">" << escape(k.signature) << "</pre>\n<div class=\"panes\">\n";
  pane(os, "Loop nest", k.nest);
  pane(os, "Schedule", k.schedule);
  pane(os, "Lowered statement", k.statement);
  std::string title = "Hot loop";
  if (k.hot.instructions)
    title += ": " + std::to_string(k.hot.instructions) + " instructions, " + std::to_string(k.hot.fmas) + " multiply-adds of " +
             std::to_string(k.hot.lanes) + " lanes, " + std::to_string(k.hot.loads) + " loads, " + std::to_string(k.hot.stores) + " stores";
  pane(os, title, k.hot.text.empty() ? "no loop is left" : k.hot.text);
  pane(os, "Definition in index notation", k.definition, /*isWide=*/true, /*isFolded=*/true);
  pane(os, "Funcs as Halide has them", k.algorithm, /*isWide=*/true, /*isFolded=*/true);
  os << "</div>\n";
  if (!k.remarks.empty()) {
    os << "<h3 style=\"margin-top:14px\">Remarks</h3><ul class=\"remarks\">";
    size_t count = 0;
    for (const Remark &x : k.remarks) {
      if (++count > 24)
        break;
      os << "<li class=\"" << x.kind << "\">" << escape(x.message) << " <span class=\"faint\">" << escape(x.pass) << "</span></li>";
    }
    if (k.remarks.size() > 24)
      os << "<li class=\"faint\">" << k.remarks.size() - 24 << " more</li>";
    os << "</ul>";
  }
  os << "</div></details>\n";
}

void writeKernels(const Report &r, llvm::raw_ostream &os) {
  os << "<h2 id=\"kernels\">Kernels</h2>\n<p class=\"lead\">Distinct kernels, numbered in the order of their first launch. ";
  if (r.run)
    os << "The roof of a kernel is the time that its operations take at " << digits(r.run->coreGflops) << " GFLOP/s or its bytes at "
       << digits(r.run->coreGbs) << " GB/s, whichever is longer, on one core; bytes from a cache can beat it. ";
  os << "A click on a column sorts.</p>\n<div class=\"wrap\"><table class=\"sortable\" "
        "id=\"kernel-table\"><thead><tr><th>kernel</th><th>kind</th><th>computes</th>"
        "<th>source</th><th class=\"n\">launches</th><th class=\"n\">operations</th><th class=\"n\">FLOP/byte</th>";
  if (r.run)
    os << "<th class=\"n\">time</th><th class=\"n\">share</th><th class=\"n\">GFLOP/s</th><th class=\"n\">GB/s</th><th>of the roof</th>";
  os << "</tr></thead><tbody>\n";
  std::vector<int> order(r.kernels.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = int(i);
  auto weight = [&](int i) {
    const Kernel &k = r.kernels[i];
    return r.run ? (k.measured ? k.measured->seconds : -1) : k.flops;
  };
  std::sort(order.begin(), order.end(), [&](int a, int b) { return weight(a) != weight(b) ? weight(a) > weight(b) : a < b; });
  for (int i : order) {
    const Kernel &k = r.kernels[i];
    os << "<tr><td data-v=\"" << i + 1 << "\">" << chip(r, i) << "</td><td class=\"s\">" << escape(k.kind) << "</td><td><code>"
       << escape(shortened(computes(r, i), 46)) << "</code></td><td>" << place(r, k.label) << "</td><td class=\"n\">"
       << (k.launches ? std::to_string(k.launches) : "") << "</td><td class=\"n\" data-v=\"" << digits(k.flops, 12) << "\">"
       << (k.flops > 0 ? flopText(k.flops) : "") << "</td><td class=\"n\">" << (k.bytes > 0 ? digits(k.flops / k.bytes) : "") << "</td>";
    if (r.run && k.measured)
      os << "<td class=\"n\" data-v=\"" << k.measured->seconds << "\">" << timeText(k.measured->seconds) << "</td><td class=\"n\">"
         << percent(k.measured->share) << "</td><td class=\"n\">" << digits(k.measured->gflops) << "</td><td class=\"n\">"
         << digits(k.measured->gbs) << "</td><td data-v=\"" << k.measured->roof << "\" style=\"white-space:nowrap\">"
         << bar(k.measured->roof, k.kind) << " " << percent(k.measured->roof) << "</td>";
    else if (r.run)
      os << "<td class=\"n faint\" data-v=\"-1\">not in this step</td><td></td><td></td><td></td><td data-v=\"-1\"></td>";
    os << "</tr>\n";
  }
  os << "</tbody></table></div>\n";
  for (size_t i = 0; i < r.kernels.size(); ++i)
    writeKernel(r, int(i), os);
}

//===-- memory ------------------------------------------------------------===//

static std::string stepsPath(const std::vector<int64_t> &values, double left, double step, double bottom, double scale) {
  std::string path = "M" + digits(left, 6) + " " + digits(bottom, 6);
  for (size_t i = 0; i < values.size(); ++i) {
    double y = bottom - double(values[i]) * scale;
    path += "V" + digits(y, 5) + "H" + digits(left + step * double(i + 1), 6);
  }
  return path + "V" + digits(bottom, 6) + "Z";
}

static void writeChart(const Report &r, const std::vector<int64_t> &kept, llvm::raw_ostream &os) {
  const Plan &plan = *r.plan;
  constexpr double width = 1160, height = 300, left = 66, bottom = 262, top = 24;
  double step = (width - left) / double(plan.alive.size()), most = double(plan.alive[plan.peak]);
  double scale = (bottom - top) / most;
  os << "<div class=\"chart\"><svg id=\"memory-chart\" viewBox=\"0 0 " << width << " " << height
     << "\" role=\"img\" aria-label=\"memory over the launches\">\n";
  // Lines at round sizes.
  double unit = std::pow(1024, std::floor(std::log2(std::max(most, 1.0)) / 10)), every = unit;
  while (most / every > 5)
    every *= 2;
  while (most / every < 2.5)
    every /= 2;
  for (double v = 0; v <= most * 1.001; v += every) {
    double y = bottom - v * scale;
    os << "<line x1=\"" << left << "\" x2=\"" << width << "\" y1=\"" << y << "\" y2=\"" << y << "\" stroke=\"var(--line)\"/><text x=\""
       << left - 8 << "\" y=\"" << y + 4 << "\" text-anchor=\"end\">" << (v == 0 ? "0" : formatBytes(v)) << "</text>\n";
  }
  os << "<path fill=\"var(--alive)\" d=\"" << stepsPath(plan.alive, left, step, bottom, scale) << "\"/>\n<path fill=\"var(--kept)\" d=\""
     << stepsPath(kept, left, step, bottom, scale) << "\"/>\n";
  if (r.lossLaunch >= 0) {
    double x = left + (r.lossLaunch + 1) * step;
    os << "<line x1=\"" << x << "\" x2=\"" << x << "\" y1=\"" << top << "\" y2=\"" << bottom
       << "\" stroke=\"var(--soft)\" stroke-dasharray=\"3 4\"/><text x=\"" << x << "\" y=\"" << height - 22
       << "\" text-anchor=\"middle\">loss</text>\n";
  }
  double px = left + (plan.peak + 0.5) * step;
  bool isRight = px > width * 0.6;
  os << "<circle cx=\"" << px << "\" cy=\"" << top << "\" r=\"4\" fill=\"var(--accent)\"/><text x=\"" << px + (isRight ? -10 : 10)
     << "\" y=\"" << top - 8 << "\" text-anchor=\"" << (isRight ? "end" : "start") << "\" style=\"fill:var(--ink);font-weight:600\">peak "
     << formatBytes(most) << ", launch " << plan.peak << "</text>\n<text x=\"" << left << "\" y=\"" << height - 4
     << "\">launch 0</text><text x=\"" << width << "\" y=\"" << height - 4 << "\" text-anchor=\"end\">" << plan.alive.size() - 1
     << "</text>\n<line class=\"cursor\" y1=\"" << top << "\" y2=\"" << bottom
     << "\" stroke=\"var(--ink)\" style=\"display:none\"/></svg>\n";
  os << "<div class=\"legend\"><span style=\"--c:var(--kept)\"><i></i>kept from the forward part for the backward part</span>"
        "<span style=\"--c:var(--alive)\"><i></i>everything alive</span><span class=\"faint\">bytes of temporaries at each launch of "
     << escape(r.programs[0].role) << "</span></div></div>\n";
  llvm::json::Array alive, keptList, names;
  for (size_t i = 0; i < plan.alive.size(); ++i) {
    alive.push_back(plan.alive[i]);
    keptList.push_back(kept[i]);
    const Launch &l = r.programs[0].launches[i];
    names.push_back("K" + std::to_string(l.kernel + 1) + (l.block.empty() ? "" : " of " + l.block));
  }
  llvm::json::Object data{
      {"left", left}, {"step", step}, {"alive", std::move(alive)}, {"kept", std::move(keptList)}, {"names", std::move(names)}};
  std::string text;
  llvm::raw_string_ostream json(text);
  json << llvm::json::Value(std::move(data));
  // `</` would end the script.
  for (size_t at; (at = text.find("</")) != std::string::npos;)
    text.replace(at, 2, "<\\/");
  os << "<script type=\"application/json\" id=\"memory-data\">" << text << "</script>\n";
}

void writeMemory(const Report &r, llvm::raw_ostream &os) {
  if (!r.plan || r.plan->alive.empty() || r.programs[0].launches.size() != r.plan->alive.size() || r.plan->alive[r.plan->peak] <= 0)
    return;
  const Plan &plan = *r.plan;
  std::vector<int64_t> kept(plan.alive.size(), 0);
  for (const Plan::Tensor &t : plan.tensors)
    if (r.lossLaunch >= 0 && t.first <= r.lossLaunch && t.last > r.lossLaunch)
      for (int l = t.first; l <= t.last; ++l)
        kept[l] += t.bytes;
  os << "<h2 id=\"memory\">Memory</h2>\n<p class=\"lead\">Temporaries of one " << escape(r.programs[0].role) << ". Beside them stand "
     << formatBytes(double(r.parameters) * (r.lossLaunch >= 0 ? 16 : 4)) << " of parameters"
     << (r.lossLaunch >= 0 ? ", gradients and two moments" : "") << ".</p>\n";
  writeChart(r, kept, os);
  os << "<h3>Alive at the peak</h3><div class=\"wrap\"><table class=\"sortable\"><thead><tr><th "
        "class=\"n\">size</th><th>share</th><th>shape</th><th>computes</th>"
        "<th>made by</th><th>block</th><th>source</th><th class=\"n\">from launch</th><th class=\"n\">to</th></tr></thead><tbody>\n";
  auto here = plan.atPeak();
  size_t count = 0;
  double rest = 0, restCount = 0;
  for (const Plan::Tensor &t : here) {
    if (++count > 40) {
      rest += double(t.bytes);
      ++restCount;
      continue;
    }
    size_t i = 0;
    while (plan.tensors[i].buffer != t.buffer)
      ++i;
    const Launch &l = r.programs[0].launches[t.first];
    os << "<tr><td class=\"n\" data-v=\"" << t.bytes << "\">" << formatBytes(double(t.bytes)) << "</td><td>"
       << bar(double(t.bytes) / double(here.front().bytes), r.kernels[l.kernel].kind) << "</td><td>" << escape(t.shape) << "</td><td><code>"
       << escape(shortened(lineText(r, r.tensorLabels[i]), 44)) << "</code></td><td>" << chip(r, l.kernel) << "</td><td>"
       << escape(r.tensorBlocks[i]) << "</td><td>" << place(r, r.tensorLabels[i]) << "</td><td class=\"n\"><a href=\"#l0-" << t.first
       << "\">" << t.first << "</a></td><td class=\"n\"><a href=\"#l0-" << t.last << "\">" << t.last << "</a></td></tr>\n";
  }
  os << "</tbody></table></div>\n";
  if (restCount > 0)
    os << "<p class=\"faint\">and " << int(restCount) << " smaller ones, " << formatBytes(rest) << "</p>\n";
}

//===-- remarks -----------------------------------------------------------===//

void writeRemarks(const Report &r, llvm::raw_ostream &os) {
  struct Group {
    const Remark *first = nullptr;
    unsigned count = 0;
    llvm::SetVector<StringRef> blocks;
  };
  llvm::MapVector<std::string, Group, std::map<std::string, unsigned>> groups;
  llvm::SetVector<StringRef> passes;
  for (const Remark &x : r.remarks) {
    Group &g = groups[x.pass + x.message + (x.places.empty() ? "" : x.places.front().str())];
    g.first = g.first ? g.first : &x;
    ++g.count;
    passes.insert(x.pass);
    for (const Place &p : x.places)
      if (!p.block.empty()) {
        g.blocks.insert(p.block);
        break;
      }
  }
  os << "<h2 id=\"remarks\">Remarks</h2>\n<p class=\"lead\">What the passes decided, with the number that decided; equal decisions are one "
        "line.</p>\n"
        "<div class=\"filter\"><input id=\"remark-text\" type=\"search\" placeholder=\"filter: not fused, h.0, nn.tin:20\" "
        "aria-label=\"filter\">"
        "<select id=\"remark-pass\" aria-label=\"pass\"><option value=\"\">all passes</option>";
  for (StringRef pass : passes)
    os << "<option>" << escape(pass) << "</option>";
  os << "</select></div>\n<div class=\"wrap\"><table "
        "id=\"remarks-table\"><thead><tr><th>pass</th><th>decision</th><th>source</th><th>where</th>"
        "<th class=\"n\">times</th></tr></thead><tbody>\n";
  for (auto &[key, g] : groups) {
    std::string where = llvm::join(g.blocks.getArrayRef().take_front(2), ", ");
    if (g.blocks.size() > 2)
      where += " and " + std::to_string(g.blocks.size() - 2) + " more";
    if (where.empty())
      where = g.first->function;
    os << "<tr data-pass=\"" << escape(g.first->pass) << "\"><td class=\"s\">" << escape(g.first->pass) << "</td><td>"
       << escape(g.first->message) << "</td><td>" << (g.first->places.empty() ? "" : place(r, g.first->places.front().str()))
       << "</td><td class=\"s\">" << escape(where) << "</td><td class=\"n\">" << g.count << "</td></tr>\n";
  }
  os << "</tbody></table></div>\n";
}

} // namespace tintype::explain
