//===- Link.cpp - objects to an executable --------------------------------===//
#include "codegen/link/Link.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <csignal>
#include <cstring>

using namespace llvm;

static Error fail(const Twine &message) { return createStringError(inconvertibleErrorCode(), message); }

Error tintype::linkExecutable(ArrayRef<std::string> objects, StringRef runtimeList, StringRef output) {
  auto linker = sys::findProgramByName("clang++-22");
  if (!linker)
    linker = sys::findProgramByName("clang++", {"/usr/lib/llvm-22/bin"});
  if (!linker)
    return fail("expected clang++-22 on PATH for linking, but found none; hint: run tools/setup");
  if (!sys::fs::exists(runtimeList))
    return fail(runtimeList + ": expected the list of runtime archives, but there is no such file");

  // Unfinished work never carries the final name.
  std::string partial = (output + ".partial").str(), response = "@" + runtimeList.str();
  SmallVector<StringRef> args{
      *linker, "-fuse-ld=lld", "-static-libstdc++", "-static-libgcc", "-Wl,--gc-sections", "-Wl,--as-needed", "-Wl,-s", "-o", partial};
  for (const std::string &o : objects)
    args.push_back(o);
  args.push_back(response);
  args.push_back("-lm");

  SmallString<128> log;
  if (auto ec = sys::fs::createTemporaryFile("tintype-link", "log", log))
    return fail("expected a temporary file, but got: " + ec.message());
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log), StringRef(log)};
  std::string error;
  int rc = sys::ExecuteAndWait(*linker, args, std::nullopt, redirects, 0, 0, &error);
  auto text = MemoryBuffer::getFile(log);
  sys::fs::remove(log);
  if (rc != 0) {
    sys::fs::remove(partial);
    // The linker writes through a mapping, where a full disk is a signal.
    StringRef folder = sys::path::parent_path(output);
    auto space = sys::fs::disk_space(folder.empty() ? "." : folder);
    if (space && text && (*text)->getBuffer().contains(strsignal(SIGBUS)))
      return fail(output + ": expected room for the executable, but its disk has " + Twine(space->available) + " bytes left");
    return fail(output + ": linking failed: " + error + (text ? (*text)->getBuffer() : ""));
  }
  if (auto ec = sys::fs::rename(partial, output)) {
    sys::fs::remove(partial);
    return fail(output + ": expected a writable path, but got: " + ec.message());
  }
  return Error::success();
}
