//===- Child.h - this program again, as a child process ---------*- C++ -*-===//
#ifndef TINTYPE_TOOLS_TUNE_CHILD_H
#define TINTYPE_TOOLS_TUNE_CHILD_H

#include <string>
#include <vector>

namespace tintype::tune {

/// What became of a child.
struct Ended {
  bool started = false;
  bool byItself = false; ///< not by us, for being late or because of `interrupted`
  int status = 0;        ///< as waitpid gives it
  std::string out, err;  ///< what it wrote, 64 KB of each at most; the reason when it did not start
};

/// Runs this executable with `arguments` for at most `seconds` by the clock, in a
/// process group of its own, so that an interrupt at the terminal is ours alone.
Ended runSelf(const std::vector<std::string> &arguments, double seconds, const volatile bool &interrupted);

/// The last line of `log`, for a message.
std::string lastLine(const std::string &log);

} // namespace tintype::tune

#endif
