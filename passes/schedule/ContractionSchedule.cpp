//===- ContractionSchedule.cpp - loops of a sum of products on panels -----===//
#include "passes/schedule/Contraction.h"

namespace tintype::schedule {

void ContractionLowering::scheduleResult() {
  int stage = isChunked ? 0 : -1;
  l.bound(C, "nv", 0, NR);
  l.bound(C, "mv", 0, MR);
  if (acc == C)
    return;
  l.vectorize(C, -1, "nv", V);
  Strings loopsC = isStripOuter ? Strings{"nv", "mv", "no", "mo"} : Strings{"nv", "mv", "mo", "no"};
  if (isChunked)
    loopsC.push_back("ko");
  l.reorder(C, stage, joined(loopsC, varsC));
  if (isChunked)
    l.vectorize(C, stage, "nv", V);
  l.unroll(C, stage, "nv");
  l.unroll(C, stage, "mv");
  l.computeAt(acc, C, isStripOuter ? "no" : "mo");
  l.bound(acc, "nv", 0, NR);
  l.bound(acc, "mv", 0, MR);
  l.boundExtent(acc, "no", 1);
  l.boundExtent(acc, "mo", 1);
}

void ContractionLowering::scheduleAccumulator() {
  l.vectorize(acc, -1, "nv", V);
  l.unroll(acc, -1, "nv");
  l.unroll(acc, -1, "mv");
  l.reorder(acc, 0, joined(pair, joined(joined({"nv", "mv"}, turn), Strings(accVars.begin() + 2, accVars.end()))));
  if (paired) {
    l.atomic(acc, 0);
    l.vectorize(acc, 0, "kk");
  }
  l.vectorize(acc, 0, "nv", V);
  l.unroll(acc, 0, "nv");
  l.unroll(acc, 0, "mv");
  if (isUnrolled)
    l.unroll(acc, 0, "ri");
}

/// Strips of A whose source lies along m side by side: 512 bytes of a row.
int ContractionLowering::stripsBeside() const {
  return machine.value("sbsa", std::max((paired && !unrounded(c.a[0]) ? 256 : 128) / AW, 1));
}

/// Several panels side by side: a row of the source is read in one piece.
void ContractionLowering::sideBySide(StringRef f, StringRef lane, StringRef tile, int64_t count, const Strings &rest) {
  l.split(f, -1, tile, "po", "pi", count, halide::Tail::guard);
  l.reorder(f, -1, joined(pair, joined({lane.str(), "pi", "k", "po"}, rest)));
}

/// Both of a pair: next to each other in a source along k, else two vectors that interleave.
void ContractionLowering::pairUp(StringRef f, bool alongK) {
  if (!paired)
    return;
  l.bound(f, "kk", 0, 2);
  alongK ? l.vectorize(f, -1, "kk") : l.unroll(f, -1, "kk");
}

void ContractionLowering::scheduleColumns() {
  if (isTurned) {
    l.bound(B, "l", 0, V);
    l.bound(B, "v", 0, t.vectors);
    l.split(B, -1, "k", "kt", "kv", V, halide::Tail::guard);
    l.reorder(B, -1, joined({"kv", "l", "kt", "v", "no"}, varsB));
    l.vectorize(B, -1, "kv");
    l.unroll(B, -1, "l");
  } else if (beforeRounding) {
    l.bound(B, "nv", 0, NR);
    l.split(B, -1, "nv", "v", "l", V, halide::Tail::guard);
    l.split(B, -1, "k", "kt", "ki", V / 2, halide::Tail::guard);
    l.reorder(B, -1, joined({"kk", "l", "ki", "kt", "v", "no"}, varsB));
    pairUp(B, false);
    l.vectorize(B, -1, "l");
    l.computeAt(T, B, "kt");
    l.bound(T, "l", 0, V);
    l.boundExtent(T, "k", V);
    l.boundExtent(T, "n", 1);
    l.reorder(T, -1, joined({"k", "l", "n"}, varsB));
    l.vectorize(T, -1, "k", V);
    l.unroll(T, -1, "l");
  } else if (paired && c.bAlongK && !c.bAlongN) {
    l.bound(B, "nv", 0, NR);
    l.reorder(B, -1, joined({"kk", "k", "nv", "no"}, varsB));
    pairUp(B, true);
    l.vectorize(B, -1, "k", V, halide::Tail::guard);
  } else {
    l.bound(B, "nv", 0, NR);
    pairUp(B, false);
    if (c.bAlongN && !c.bAlongK)
      sideBySide(B, "nv", "no", machine.value("sbsb", 4), varsB);
    l.vectorize(B, -1, "nv", V);
    l.unroll(B, -1, "nv");
  }
}

void ContractionLowering::scheduleRows() {
  l.bound(A, "mv", 0, AW);
  pairUp(A, packAlongK);
  if (packAlongK) {
    l.vectorize(A, -1, "k", V, halide::Tail::guard);
    return;
  }
  if (c.aAlongM)
    sideBySide(A, "mv", "mo", stripsBeside(), varsA);
  l.vectorize(A, -1, "mv", AW % V ? AW : V);
  if (AW > V && AW % V == 0)
    l.unroll(A, -1, "mv");
}

} // namespace tintype::schedule
