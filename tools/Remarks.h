//===- Remarks.h - the decisions of all passes, collected -------*- C++ -*-===//
// Passes report through MLIR's remark engine, with their name as the category:
//
//   RemarkLog log;
//   log.attach(context, {"graph-inline"});     // no names: all
//   .. run passes ..
//   log.print(llvm::errs());
//
//   nn.tin:20:3: remark: inlined: saves B * T * 3072 bytes [graph-inline; 24 times: h.0.mlp, ..]
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_REMARKS_H
#define TINTYPE_TOOLS_REMARKS_H

#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"
#include <mutex>
#include <string>
#include <vector>

namespace tintype {

/// A place in a source, and the block that was evaluated there.
struct Place {
  std::string file;
  unsigned line = 0, column = 0;
  std::string block; ///< `h.0.attn`, or empty
  std::string str() const;
};

/// The places of `loc`, innermost first: a statement and the calls that led to it.
std::vector<Place> placesOf(mlir::Location loc);

struct Remark {
  std::string pass, kind, name, function, message; ///< kind: passed, missed, analysis
  std::vector<Place> places;                       ///< innermost first
  std::vector<std::pair<std::string, std::string>> numbers;
};

class RemarkLog {
public:
  /// From now on `context` reports here. An unknown name in `passes` is an
  /// error on standard error.
  mlir::LogicalResult attach(mlir::MLIRContext &context, llvm::ArrayRef<std::string> passes);
  /// The names that `attach` knows.
  static llvm::ArrayRef<llvm::StringRef> passNames();

  void add(Remark remark);
  /// In the order of passes and sources, whatever threads ran them.
  std::vector<Remark> sorted() const;
  void print(llvm::raw_ostream &os) const;
  llvm::json::Value json() const;

private:
  std::vector<Remark> remarks;
  mutable std::mutex mutex;
};

} // namespace tintype

#endif
