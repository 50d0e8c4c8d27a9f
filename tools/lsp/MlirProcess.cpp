//===- MlirProcess.cpp - MLIR's language server beside this one -----------===//
#include "tools/lsp/MlirProcess.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace tintype::lsp {

using llvm::json::Object;
using llvm::json::Value;

namespace {
class MlirProcess : public OtherServer {
public:
  MlirProcess(pid_t pid, std::FILE *in, std::FILE *out, Server::Send toClient) : pid(pid), in(in), out(out) {
    reader = std::thread([this, toClient] {
      while (auto text = readMessage(this->out)) {
        auto message = llvm::json::parse(*text);
        if (!message) {
          llvm::consumeError(message.takeError());
          continue;
        }
        // The answer to `initialize` is for this program.
        const Object *o = message->getAsObject();
        if (o && o->getString("id").value_or("") != kOwnId)
          toClient(*message);
      }
    });
  }

  ~MlirProcess() override {
    send(Object{{"jsonrpc", "2.0"}, {"id", kOwnId}, {"method", "shutdown"}, {"params", nullptr}});
    send(Object{{"jsonrpc", "2.0"}, {"method", "exit"}});
    std::fclose(in); // the process ends at the end of its input at the latest
    reader.join();
    std::fclose(out);
    waitpid(pid, nullptr, 0);
  }

  void send(const Value &message) override {
    std::string text = frame(message);
    std::fwrite(text.data(), 1, text.size(), in); // to a process that has ended: lost
    std::fflush(in);
  }

  static constexpr llvm::StringLiteral kOwnId = "tintype: mlir";

private:
  pid_t pid;
  std::FILE *in, *out;
  std::thread reader;
};
} // namespace

std::unique_ptr<OtherServer> startMlirProcess(const std::string &program, const Value &initialize, Server::Send toClient) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC))
    return nullptr;
  if (pipe2(from, O_CLOEXEC)) {
    close(to[0]);
    close(to[1]);
    return nullptr;
  }
  pid_t pid = fork();
  if (pid == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    execl(program.c_str(), program.c_str(), "--mlir", "--log=error", static_cast<char *>(nullptr));
    _exit(1);
  }
  close(to[0]);
  close(from[1]);
  if (pid < 0) {
    close(to[1]);
    close(from[0]);
    return nullptr;
  }
  auto server = std::make_unique<MlirProcess>(pid, fdopen(to[1], "w"), fdopen(from[0], "r"), std::move(toClient));
  server->send(Object{{"jsonrpc", "2.0"}, {"id", MlirProcess::kOwnId}, {"method", "initialize"}, {"params", initialize}});
  server->send(Object{{"jsonrpc", "2.0"}, {"method", "initialized"}, {"params", Object{}}});
  return server;
}

} // namespace tintype::lsp
