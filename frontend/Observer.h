//===- Observer.h - what names stand for, told as it is found ---*- C++ -*-===//
#ifndef TINTYPE_FRONTEND_OBSERVER_H
#define TINTYPE_FRONTEND_OBSERVER_H

#include "frontend/Values.h"

namespace tintype::frontend {

/// Sees what names stand for, as it is found out: an editor's view.
class Observer {
public:
  virtual ~Observer() = default;
  /// The name at `loc` stands for `value`. `path` is the block at hand.
  virtual void saw(Loc loc, const Value &value, llvm::StringRef path) = 0;
  /// The parameter or member block declared at `loc` exists at `path`.
  virtual void made(Loc loc, llvm::StringRef path, const ParamInfo *param) = 0;
  /// Asked now and then: whether to give up, with a warning.
  virtual bool isTired() { return false; }
};

} // namespace tintype::frontend

#endif
