//===- Main.cpp - entry of a built binary ---------------------------------===//
//
// Exit status: 0 done, 1 the input is at fault, 2 the command line is at fault.
//
//===----------------------------------------------------------------------===//
#include "runtime/Commands.h"
#include "runtime/Cpu.h"
#include "runtime/Flags.h"
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <new>
#include <system_error>

using namespace tintype;
using namespace tintype::rt;

/// Runs before main, a millisecond or so after exec.
static const auto kStart = std::chrono::steady_clock::now();

double rt::secondsSinceExec() { return std::chrono::duration<double>(std::chrono::steady_clock::now() - kStart).count(); }

Threads &Context::threads() {
  if (!pool) {
    std::vector<std::string> missing = missingFeatures(manifest);
    if (!missing.empty())
      fail("this binary was built for ", manifest.target(), ", but this machine has no ", missing.front(),
           "\nhint: build it on this machine, or with `tintype build --target avx2` for one without AVX-512");
    pool = std::make_unique<Threads>(threadCount);
  }
  return *pool;
}

int main(int argc, char **argv) {
  try {
    Context context(linkedManifest(), argv[0]);
    CLI::App app{context.manifest.model() + ", compiled by Tintype " + context.manifest.version(), argv[0]};
    app.footer("Examples:\n"
               "  train --data book.txt --val 0.05 --steps 1000 --out run\n"
               "  generate --weights run --prompt \"In the beginning\"\n"
               "  bench train --batch 8 --context 256 --profile\n"
               "SUBCOMMAND --help lists the options of one.");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--threads", context.threadCount, "threads (default: physical cores)")->check(inRange(1, 1024));
    app.add_option("--seed", context.seed, "seed of everything random (default: 0)")->check(inRange<uint64_t>(0));
    addInfo(app, context);
    addInit(app, context);
    addTrace(app, context);
    addBench(app, context);
    addTrain(app, context);
    addEval(app, context);
    addGenerate(app, context);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError &e) {
      return app.exit(e) == 0 ? 0 : 2;
    }
    std::cout.flush();
    if (!std::cout)
      fail("standard output: cannot write");
    return 0;
  } catch (const Error &e) {
    fprintf(stderr, "error: %s\n", e.what());
  } catch (const std::bad_alloc &) {
    fprintf(stderr, "error: not enough memory\n");
  } catch (const std::system_error &e) { // threads or files that the system refuses
    fprintf(stderr, "error: %s\n", e.what());
  }
  return 1;
}
