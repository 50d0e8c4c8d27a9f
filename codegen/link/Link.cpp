//===- Link.cpp - objects to an executable --------------------------------===//
#include "codegen/link/Link.h"
#include "codegen/WholeFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
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
  std::string response = "@" + runtimeList.str(), error;
  SmallString<128> log;
  if (auto ec = sys::fs::createTemporaryFile("tintype-link", "log", log))
    return fail("expected a temporary file, but got: " + ec.message());
  sys::RemoveFileOnSignal(log);
  int rc = 0;
  auto link = [&](StringRef partial) {
    SmallVector<StringRef> args{
        *linker, "-fuse-ld=lld", "-static-libstdc++", "-static-libgcc", "-Wl,--gc-sections", "-Wl,--as-needed", "-Wl,-s", "-o", partial};
    args.append(objects.begin(), objects.end());
    args.append({response, "-lm"});
    std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log), StringRef(log)};
    rc = sys::ExecuteAndWait(*linker, args, std::nullopt, redirects, 0, 0, &error);
    return rc ? make_error_code(std::errc::io_error) : std::error_code();
  };
  removeLeftovers(output);
  std::error_code ec = writeWhole(output, link);
  auto text = MemoryBuffer::getFile(log);
  sys::fs::remove(log);
  sys::DontRemoveFileOnSignal(log);
  if (rc != 0) {
    // The linker writes through a mapping, where a full disk is a signal.
    StringRef folder = sys::path::parent_path(output);
    auto space = sys::fs::disk_space(folder.empty() ? "." : folder);
    if (space && text && (*text)->getBuffer().contains(strsignal(SIGBUS)))
      return fail(output + ": expected room for the executable, but its disk has " + Twine(space->available) + " bytes left");
    return fail(output + ": linking failed: " + error + (text ? (*text)->getBuffer() : ""));
  }
  return ec ? fail(output + ": expected a writable path, but got: " + ec.message()) : Error::success();
}
