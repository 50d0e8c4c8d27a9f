//===- Remarks.cpp - the decisions of all passes, collected ---------------===//
#include "tools/Remarks.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tintype {

std::string Place::str() const { return file + ":" + std::to_string(line) + ":" + std::to_string(column); }

std::vector<Place> placesOf(Location loc) {
  std::vector<Place> places;
  auto one = [&](Location l) {
    Place p;
    while (auto name = dyn_cast<NameLoc>(l)) {
      p.block = name.getName().str();
      l = name.getChildLoc();
    }
    if (auto fused = dyn_cast<FusedLoc>(l); fused && !fused.getLocations().empty())
      l = fused.getLocations().front();
    auto file = dyn_cast<FileLineColLoc>(l);
    if (!file || file.getLine() == 0)
      return;
    p.file = file.getFilename().str();
    p.line = file.getLine();
    p.column = file.getColumn();
    places.push_back(p);
  };
  if (auto fused = dyn_cast<FusedLoc>(loc); fused && !fused.getLocations().empty())
    loc = fused.getLocations().front();
  while (auto call = dyn_cast<CallSiteLoc>(loc)) {
    one(call.getCallee());
    loc = call.getCaller();
  }
  one(loc);
  return places;
}

/// In the order in which they run.
ArrayRef<StringRef> RemarkLog::passNames() {
  static const StringRef names[] = {"graph-split-dims",   "graph-exchange-sums", "graph-hoist-invariants", "graph-recompute",
                                    "graph-inline",       "graph-reuse-values",  "graph-align-rows",       "graph-narrow",
                                    "graph-form-kernels", "graph-share-terms",   "schedule-kernels",       "memory-plan"};
  return names;
}

namespace {
struct Streamer : remark::detail::MLIRRemarkStreamerBase {
  explicit Streamer(RemarkLog &log) : log(log) {}
  void streamOptimizationRemark(const remark::detail::Remark &r) override {
    Remark out{r.getCategoryName().str(), {}, r.getRemarkName().str(), r.getFunction().str(), {}, placesOf(r.getLocation()), {}};
    switch (r.getRemarkType()) {
    case llvm::remarks::Type::Passed:
      out.kind = "passed";
      break;
    case llvm::remarks::Type::Missed:
      out.kind = "missed";
      break;
    default:
      out.kind = "analysis";
      break;
    }
    for (const auto &arg : r.getArgs()) {
      if (arg.key == "Remark")
        out.message += arg.val;
      else
        out.numbers.push_back({arg.key, arg.val});
    }
    log.add(std::move(out));
  }
  RemarkLog &log;
};
} // namespace

LogicalResult RemarkLog::attach(MLIRContext &context, ArrayRef<std::string> passes) {
  std::string filter;
  for (const std::string &p : passes) {
    if (!llvm::is_contained(passNames(), p)) {
      llvm::errs() << "error: expected the name of a pass that has remarks, but got " << p << "\nhint: " << llvm::join(passNames(), ", ")
                   << "\n";
      return failure();
    }
    filter += (filter.empty() ? "^(" : "|") + p;
  }
  filter = filter.empty() ? ".*" : filter + ")$";
  remark::RemarkCategories all{std::nullopt, filter, filter, filter, filter};
  return remark::enableOptimizationRemarks(context, std::make_unique<Streamer>(*this), std::make_unique<remark::RemarkEmittingPolicyAll>(),
                                           all);
}

void RemarkLog::add(Remark remark) {
  std::lock_guard<std::mutex> lock(mutex);
  remarks.push_back(std::move(remark));
}

std::vector<Remark> RemarkLog::sorted() const {
  std::lock_guard<std::mutex> lock(mutex);
  // Within a function the order is that of the pass, which one thread ran.
  std::vector<std::tuple<size_t, StringRef, size_t>> order;
  for (auto [i, r] : llvm::enumerate(remarks))
    order.emplace_back(llvm::find(passNames(), r.pass) - passNames().begin(), r.function, i);
  llvm::sort(order);
  std::vector<Remark> all;
  for (auto &[rank, function, i] : order)
    all.push_back(remarks[i]);
  return all;
}

static std::string blockOf(const Remark &r) {
  for (const Place &p : r.places)
    if (!p.block.empty())
      return p.block;
  return r.function;
}

void RemarkLog::print(raw_ostream &os) const {
  // Equal layers and programs decide the same again and again: one line for all.
  llvm::MapVector<StringRef, std::pair<unsigned, llvm::SetVector<StringRef>>> groups;
  std::vector<std::string> keep;
  std::vector<Remark> all = sorted();
  keep.reserve(all.size() * 2);
  for (const Remark &r : all) {
    std::string place = r.places.empty() ? "" : r.places.front().str() + ": ";
    keep.push_back(place + "remark: " + r.message + " [" + r.pass);
    auto &[count, blocks] = groups[keep.back()];
    ++count;
    keep.push_back(blockOf(r));
    blocks.insert(keep.back());
  }
  for (auto &[text, group] : groups) {
    auto &[count, blocks] = group;
    os << text << "; ";
    if (count > 1)
      os << count << " times: ";
    os << llvm::join(blocks.getArrayRef().take_front(2), ", ");
    if (blocks.size() > 2)
      os << " and " << blocks.size() - 2 << " more";
    os << "]\n";
  }
}

llvm::json::Value RemarkLog::json() const {
  llvm::json::Array list;
  for (const Remark &r : sorted()) {
    llvm::json::Object numbers,
        o{{"pass", r.pass}, {"kind", r.kind}, {"decision", r.name}, {"function", r.function}, {"message", r.message}};
    for (auto &[key, text] : r.numbers) {
      double value;
      numbers[key] = StringRef(text).getAsDouble(value) ? llvm::json::Value(text) : llvm::json::Value(value);
    }
    o["numbers"] = std::move(numbers);
    llvm::json::Array places;
    for (const Place &p : r.places) {
      llvm::json::Object at{{"file", p.file}, {"line", p.line}, {"column", p.column}};
      if (!p.block.empty())
        at["block"] = p.block;
      places.push_back(std::move(at));
    }
    o["location"] = places.empty() ? llvm::json::Value(nullptr) : llvm::json::Value(places.front());
    if (!places.empty())
      places.erase(places.begin());
    o["called_from"] = std::move(places);
    list.push_back(std::move(o));
  }
  return llvm::json::Object{{"remarks", std::move(list)}};
}

} // namespace tintype
