//===- Server.h - the language server's message loop ------------*- C++ -*-===//
// One session serves `.tin` files here and hands messages about `.mlir` files
// to MLIR's own server (MlirProcess.h). Nothing that a client can send ends the
// session but `exit` and a broken stream.
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_TOOLS_LSP_SERVER_H
#define TINTYPE_TOOLS_LSP_SERVER_H

#include "tools/lsp/Workspace.h"
#include "llvm/Support/Error.h"
#include <cstdio>
#include <functional>

namespace tintype::lsp {

/// Takes messages for `.mlir` files.
class OtherServer {
public:
  virtual ~OtherServer() = default;
  virtual void send(const llvm::json::Value &message) = 0;
};

class Server {
public:
  using Send = std::function<void(const llvm::json::Value &)>;
  /// Starts the other server, with the `initialize` parameters of this session.
  using StartOther = std::function<std::unique_ptr<OtherServer>(const llvm::json::Value &initialize)>;

  Server(Send send, StartOther startOther) : send(std::move(send)), startOther(std::move(startOther)) {}

  /// Handles one message as it came. False after `exit`.
  bool handle(llvm::StringRef json);
  /// Does a part of the work that nobody waits for; false when there is none.
  bool work();
  /// 0 when the client asked for a shutdown before the end.
  int exitStatus() const { return isShutDown ? 0 : 1; }

private:
  bool dispatch(llvm::json::Object &message);
  void notification(llvm::StringRef method, const llvm::json::Object &params);
  llvm::Expected<llvm::json::Value> request(llvm::StringRef method, const llvm::json::Object &params);
  llvm::Expected<llvm::json::Value> aboutPlace(llvm::StringRef method, const llvm::json::Object &params, Analysis &a);
  bool belongsToOther(llvm::StringRef method, const llvm::json::Object &params);
  void toOther(const llvm::json::Object &message);
  void reply(const llvm::json::Value &id, llvm::Expected<llvm::json::Value> result);
  void fail(const llvm::json::Value &id, int code, const std::string &why);
  void publish();
  void change(const llvm::json::Object &params);

  Send send;
  StartOther startOther;
  std::unique_ptr<OtherServer> other;
  Workspace workspace;
  std::map<std::string, std::string> mlirTexts; ///< open `.mlir` documents
  std::set<std::string> published;              ///< URIs with messages
  llvm::json::Value initializeParams = nullptr;
  bool isInitialized = false, isShutDown = false;
};

/// Whether `in` (which must not be buffered) has something to read.
bool isWaiting(std::FILE *in);
/// Reads one message with its header. Nothing at the end of the stream and for
/// a header that nobody would send.
std::optional<std::string> readMessage(std::FILE *in);
std::string frame(const llvm::json::Value &message);

} // namespace tintype::lsp

#endif
