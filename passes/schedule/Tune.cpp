//===- Tune.cpp - parameters of schedules, kernel by kernel ---------------===//
#include "passes/schedule/Tune.h"
#include "mlir/IR/Verifier.h"
#include "passes/schedule/Lowering.h"

using namespace mlir;

namespace tintype::schedule {

FailureOr<Setting> parseSetting(StringRef text) {
  Setting setting;
  SmallVector<StringRef> parts;
  text.split(parts, ',', -1, false);
  for (StringRef part : parts) {
    auto [name, number] = part.split('=');
    int value;
    if (name.empty() || name.size() > 32 || !llvm::all_of(name, llvm::isAlpha) || number.getAsInteger(10, value) || value < 0 ||
        value > 1 << 24)
      return failure();
    setting[name.str()] = value;
  }
  return setting;
}

std::string printSetting(const Setting &setting) {
  std::string text;
  for (auto &[name, value] : setting)
    text += (text.empty() ? "" : ",") + name + "=" + std::to_string(value);
  return text;
}

Setting tuneOf(func::FuncOp kernel) {
  Setting setting;
  if (auto d = kernel->getAttrOfType<DictionaryAttr>("graph.tune"))
    for (NamedAttribute a : d)
      if (auto n = dyn_cast<IntegerAttr>(a.getValue()))
        setting[a.getName().str()] = n.getInt();
  return setting;
}

void setTune(func::FuncOp kernel, const Setting &setting) {
  kernel->removeAttr("graph.tune");
  Builder b(kernel.getContext());
  SmallVector<NamedAttribute> list;
  for (auto &[name, value] : setting)
    list.push_back(b.getNamedAttr(name, b.getI64IntegerAttr(value)));
  if (!list.empty())
    kernel->setAttr("graph.tune", b.getDictionaryAttr(list));
}

FailureOr<Plan> planKernel(func::FuncOp kernel, const Machine &machine, const Setting &setting) {
  Plan plan;
  plan.module = ModuleOp::create(kernel.getLoc());
  OpBuilder b(plan.module->getBodyRegion());
  auto copy = cast<func::FuncOp>(b.clone(*kernel));
  setTune(copy, setting);
  ScopedDiagnosticHandler quiet(kernel.getContext(), [](Diagnostic &) { return success(); });
  Lowering lowering(copy, machine);
  if (failed(checkTune(copy, {})) || failed(lowering.run()) || failed(verify(*plan.module)))
    return failure();
  llvm::raw_string_ostream text(plan.text);
  lowering.pipeline->print(text, OpPrintingFlags().useLocalScope());
  llvm::raw_string_ostream grid(plan.grid);
  copy->getAttr("graph.grid").print(grid);
  plan.parameters = lowering.machine.asked;
  plan.cost = lowering.machine.cost;
  return plan;
}

/// Values worth trying, by parameter; none for one that is not tuned.
static std::vector<int> valuesOf(StringRef name) {
  static const std::map<StringRef, std::vector<int>> values = {
      {"mb", {96, 192, 288, 384, 576, 768, 1152, 2048}},          // rows of a block of a contraction
      {"nb", {96, 192, 384, 576, 768, 1024, 1152}},               // its columns
      {"rows", {48, 96, 144, 192, 288, 576}},                     // rows of a block with several contractions
      {"kc", {128, 192, 256, 384, 512, 768, 1024}},               // a chunk of K
      {"ks", {256, 512, 1024, 2048}},                             // K up to here is one chunk
      {"ur", {1, 2, 4, 8}},                                       // steps of k in one turn of the loop
      {"packa", {0, 1}},                                          // pack A although its rows lie along k
      {"turn", {0, 1}},                                           // turn B in registers while packing
      {"strip", {0, 1}},                                          // strips of rows outside, panels inside
      {"stream", {0, 1, 2}},                                      // store strips of rows, or tiles, as they are done
      {"parts", {0, 1}},                                          // f32 on matrix tiles
      {"sbsb", {1, 2, 4, 8}},                                     // panels of B packed side by side
      {"sbsa", {1, 2, 4, 8}},                                     // strips of A packed side by side
      {"elems", {2048, 4096, 8192, 16384, 32768, 65536, 131072}}, // elements of a block without contraction
      {"cols", {16, 32, 64, 128, 256}},                           // columns of a block whose rows are summed
      {"lanes", {1, 2, 4, 8}},                                    // vectors of partial sums
      {"keep", {1, 2, 4}},                                        // vectors at once across a sum
      {"pv", {1, 2, 4}},                                          // vectors at once of a pointwise definition
      {"again", {0, 8, 40, 200}},                                 // work that is repeated rather than stored
      // Of block kernels; every tile of scores divides every block and strip.
      {"tr", {64, 80, 128}},             // rows of a block
      {"tc", {96, 144, 288, 576, 1152}}, // its columns, where its blocks add to results
      {"sc", {48, 96}},                  // columns between scores and what follows them
      {"smr", {2, 4, 6, 8}},             // columns of a tile of scores
      {"srv", {1, 2, 4, 5}},             // vectors of its rows
      {"omr", {2, 4, 6, 8}},             // rows of a tile of a sum over columns
      {"cmr", {2, 4, 6, 8}},             // columns of a tile of a sum over rows
      {"chunk", {64, 128, 256}},         // of what a sum over columns runs over
      {"packv", {0, 1}},                 // pack its features although they lie as vectors
      {"packk", {0, 1}},                 // pack the columns' side of a score although it lies along k
  };
  auto it = values.find(name);
  return it != values.end() ? it->second : std::vector<int>{};
}

bool mayBeZero(StringRef parameter) { return llvm::is_contained(valuesOf(parameter), 0); }

/// Register tiles, vectors by rows: accumulators, a row of B and a spare register
/// fit the 32 registers of AVX-512, or the 16 below it.
static std::vector<std::pair<int, int>> tilesFor(int vectorWidth) {
  if (vectorWidth >= 16)
    return {{3, 8}, {4, 6}, {2, 12}, {3, 9}, {2, 14}, {5, 5}, {6, 4}, {1, 24}, {1, 12}, {2, 8}, {4, 4}};
  return {{2, 6}, {3, 4}, {1, 12}, {2, 5}, {1, 8}, {4, 3}, {2, 4}};
}

std::vector<std::vector<Setting>> stepsFrom(const Setting &from, const Setting &parameters, int vectorWidth) {
  std::vector<std::vector<Setting>> groups(1);
  auto add = [&](std::initializer_list<std::pair<const char *, int>> changes) {
    Setting s = from;
    bool differs = false;
    for (auto [name, value] : changes) {
      auto now = parameters.find(name);
      if (now == parameters.end())
        return;
      differs |= now->second != value;
      s[name] = value;
    }
    if (differs)
      groups.back().push_back(s);
  };
  // Pairs first: neither half is worth much alone.
  if (parameters.count("mr") && parameters.count("nrv"))
    for (auto [vectors, rows] : tilesFor(vectorWidth))
      add({{"nrv", vectors}, {"mr", rows}});
  if (parameters.count("smr") && parameters.count("srv"))
    for (int vectors : valuesOf("srv"))
      for (int columns : valuesOf("smr"))
        if (vectors * columns <= (vectorWidth >= 16 ? 24 : 12))
          add({{"srv", vectors}, {"smr", columns}});
  groups.emplace_back();
  if (parameters.count("mb") && parameters.count("nb"))
    for (int mb : valuesOf("mb"))
      for (int nb : valuesOf("nb"))
        add({{"mb", mb}, {"nb", nb}});
  for (auto &[name, now] : parameters) {
    if (name == "mr" || name == "nrv" || (name == "mb" && parameters.count("nb")) || name == "nb")
      continue;
    groups.emplace_back();
    for (int value : valuesOf(name))
      add({{name.c_str(), value}});
  }
  return groups;
}

bool isOffered(const Setting &setting) {
  auto valueOf = [&](const char *name) {
    auto it = setting.find(name);
    return it == setting.end() ? -1 : it->second;
  };
  bool isTile = setting.count("nrv") == setting.count("mr");
  if (isTile && setting.count("mr")) {
    auto fits = [&](int width) { return llvm::is_contained(tilesFor(width), std::pair<int, int>(valueOf("nrv"), valueOf("mr"))); };
    isTile = fits(16) || fits(8);
  }
  return isTile && llvm::all_of(setting, [](auto &p) {
           return p.first == "nrv" || p.first == "mr" || llvm::is_contained(valuesOf(p.first), p.second);
         });
}

StringRef templatesVersion() { return TINTYPE_TEMPLATES; }

} // namespace tintype::schedule
