//===- Process.cpp - what Main.cpp has, for targets of the runtime --------===//
#include "runtime/Commands.h"

namespace tintype::rt {

Threads &Context::threads() {
  if (!pool)
    pool = std::make_unique<Threads>(1);
  return *pool;
}
double secondsSinceExec() { return 0; }

} // namespace tintype::rt

/// Files of an input need not outlive the process.
extern "C" int fsync(int) { return 0; }
