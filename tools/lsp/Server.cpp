//===- Server.cpp - the language server's message loop --------------------===//
#include "tools/lsp/Server.h"
#include "runtime/Depth.h"
#include "tools/lsp/Features.h"
#include "llvm/ADT/STLExtras.h"
#include <poll.h>

namespace tintype::lsp {

using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

static constexpr int kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601, kNotInitialized = -32002,
                     kRequestFailed = -32803;

//===-- framing -----------------------------------------------------------===//

bool isWaiting(std::FILE *in) {
  pollfd fd{fileno(in), POLLIN, 0};
  return poll(&fd, 1, 0) > 0;
}

std::optional<std::string> readMessage(std::FILE *in) {
  constexpr size_t kLongestLine = 4096, kLargest = size_t(64) << 20;
  std::optional<size_t> length;
  std::string line;
  while (true) {
    int c = std::fgetc(in);
    if (c == EOF)
      return std::nullopt;
    if (c != '\n') {
      line += char(c);
      if (line.size() > kLongestLine)
        return std::nullopt;
      continue;
    }
    llvm::StringRef header = llvm::StringRef(line).rtrim('\r');
    if (header.empty() && length)
      break;
    size_t n;
    auto [name, value] = header.split(':');
    if (name.equals_insensitive("content-length")) {
      if (value.trim().getAsInteger(10, n) || n > kLargest)
        return std::nullopt;
      length = n;
    }
    line.clear();
  }
  std::string body(*length, '\0');
  if (std::fread(body.data(), 1, body.size(), in) != body.size())
    return std::nullopt;
  return body;
}

std::string frame(const Value &message) {
  std::string body, head;
  llvm::raw_string_ostream(body) << message;
  llvm::raw_string_ostream(head) << "Content-Length: " << body.size() << "\r\n\r\n" << body;
  return head;
}

//===-- dispatch ----------------------------------------------------------===//

void Server::fail(const Value &id, int code, const std::string &why) {
  send(Object{{"jsonrpc", "2.0"}, {"id", id}, {"error", Object{{"code", code}, {"message", clean(why)}}}});
}

void Server::reply(const Value &id, llvm::Expected<Value> result) {
  if (result)
    return send(Object{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(*result)}});
  fail(id, kRequestFailed, llvm::toString(result.takeError()));
}

bool Server::handle(llvm::StringRef json) {
  if (tooDeep(json)) {
    fail(nullptr, kParseError, "expected JSON of at most " + std::to_string(kMostOpen) + " levels");
    return true;
  }
  auto value = llvm::json::parse(json);
  if (!value) {
    fail(nullptr, kParseError, "expected JSON, but got " + llvm::toString(value.takeError()));
    return true;
  }
  if (Array *batch = value->getAsArray()) { // of JSON-RPC, though no editor sends one
    for (Value &v : *batch)
      if (Object *o = v.getAsObject(); o && !dispatch(*o))
        return false;
    return true;
  }
  Object *message = value->getAsObject();
  if (!message) {
    fail(nullptr, kInvalidRequest, "expected an object");
    return true;
  }
  return dispatch(*message);
}

static bool knows(llvm::StringRef method) {
  static constexpr llvm::StringLiteral kMethods[] = {"initialize",
                                                     "shutdown",
                                                     "textDocument/hover",
                                                     "textDocument/definition",
                                                     "textDocument/references",
                                                     "textDocument/documentHighlight",
                                                     "textDocument/documentSymbol",
                                                     "textDocument/formatting",
                                                     "textDocument/codeAction",
                                                     "textDocument/prepareRename",
                                                     "textDocument/rename",
                                                     "textDocument/completion",
                                                     "textDocument/signatureHelp"};
  return llvm::is_contained(kMethods, method);
}

bool Server::dispatch(Object &message) {
  const Value *id = message.get("id");
  auto method = message.getString("method");
  if (!method) {
    if (id && !message.get("result") && !message.get("error"))
      fail(*id, kInvalidRequest, "expected a method");
    return true; // an answer: this server asks nothing
  }
  static const Object kNone;
  const Object *given = message.getObject("params");
  const Object &params = given ? *given : kNone;
  bool isId = id && (id->kind() == Value::String || id->kind() == Value::Number);
  if (*method == "exit")
    return false;
  if (!isId) {
    if (isInitialized && belongsToOther(*method, params))
      toOther(message);
    else if (isInitialized)
      notification(*method, params);
    return true;
  }
  if (*method == "initialize") {
    isInitialized = true;
    initializeParams = Value(Object(params));
  } else if (!isInitialized) {
    fail(*id, kNotInitialized, "expected initialize first");
    return true;
  } else if (isShutDown) {
    fail(*id, kInvalidRequest, "expected exit after shutdown");
    return true;
  }
  if (belongsToOther(*method, params)) {
    toOther(message);
    if (!other)
      fail(*id, kRequestFailed, "the server for .mlir files did not start");
    return true;
  }
  if (!knows(*method))
    fail(*id, kMethodNotFound, "unknown method " + method->str());
  else
    reply(*id, request(*method, params));
  return true;
}

//===-- .mlir files -------------------------------------------------------===//

bool Server::belongsToOther(llvm::StringRef method, const Object &params) {
  if (method.starts_with("mlir/"))
    return true;
  const Object *doc = params.getObject("textDocument");
  auto uri = doc ? doc->getString("uri") : std::nullopt;
  if (!uri)
    return false;
  if (method == "textDocument/didOpen")
    return doc->getString("languageId").value_or("") == "mlir" || uri->ends_with(".mlir");
  return mlirTexts.count(uri->str());
}

void Server::toOther(const Object &message) {
  if (!other)
    other = startOther(initializeParams);
  // Texts are kept whole: MLIR's server then never applies ranges itself.
  const Object *params = message.getObject("params");
  const Object *doc = params ? params->getObject("textDocument") : nullptr;
  std::string uri = doc ? doc->getString("uri").value_or("").str() : "";
  llvm::StringRef method = *message.getString("method");
  if (method == "textDocument/didOpen") {
    mlirTexts[uri] = doc->getString("text").value_or("").str();
  } else if (method == "textDocument/didClose") {
    mlirTexts.erase(uri);
  } else if (method == "textDocument/didChange") {
    change(*params);
    Object all = message;
    Object whole{{"textDocument", Object(*doc)}, {"contentChanges", Array{Object{{"text", mlirTexts[uri]}}}}};
    all["params"] = std::move(whole);
    if (other)
      other->send(std::move(all));
    return;
  }
  if (other)
    other->send(Value(Object(message)));
}

//===-- documents ---------------------------------------------------------===//

void Server::change(const Object &params) {
  const Object *doc = params.getObject("textDocument");
  auto uri = doc ? doc->getString("uri") : std::nullopt;
  const Array *changes = params.getArray("contentChanges");
  if (!uri || !changes)
    return;
  Document *d = workspace.find(*uri);
  auto mlir = mlirTexts.find(uri->str());
  if (!d && mlir == mlirTexts.end())
    return;
  std::string &text = d ? d->text : mlir->second;
  for (const Value &v : *changes) {
    const Object *c = v.getAsObject();
    auto fresh = c ? c->getString("text") : std::nullopt;
    if (!fresh)
      continue;
    const Object *range = c->getObject("range");
    if (!range) {
      text = fresh->str();
      continue;
    }
    auto from = readPosition(range->getObject("start")), to = readPosition(range->getObject("end"));
    if (!from || !to)
      continue;
    size_t begin = offsetOf(text, *from), end = std::max(begin, offsetOf(text, *to));
    text.replace(begin, end - begin, fresh->str());
  }
  if (d)
    workspace.changed(*d);
}

void Server::notification(llvm::StringRef method, const Object &params) {
  const Object *doc = params.getObject("textDocument");
  auto uri = doc ? doc->getString("uri") : std::nullopt;
  if (!uri)
    return;
  if (method == "textDocument/didOpen") {
    if (auto text = doc->getString("text"))
      workspace.open(uri->str(), text->str());
  } else if (method == "textDocument/didChange") {
    change(params);
  } else if (method == "textDocument/didClose") {
    workspace.close(uri->str());
  }
}

bool Server::work() {
  bool worked = workspace.work();
  publish();
  return worked;
}

void Server::publish() {
  for (auto &[uri, list] : workspace.takeDiagnostics()) {
    if (list.empty() && !published.erase(uri) && !workspace.find(uri))
      continue;
    if (!list.empty())
      published.insert(uri);
    send(Object{{"jsonrpc", "2.0"},
                {"method", "textDocument/publishDiagnostics"},
                {"params", Object{{"uri", uri}, {"diagnostics", std::move(list)}}}});
  }
}

//===-- requests ----------------------------------------------------------===//

static Object capabilities() {
  constexpr int kIncremental = 2;
  return Object{{"textDocumentSync", Object{{"openClose", true}, {"change", kIncremental}, {"save", true}}},
                {"hoverProvider", true},
                {"definitionProvider", true},
                {"referencesProvider", true},
                {"documentHighlightProvider", true},
                {"documentSymbolProvider", true},
                {"documentFormattingProvider", true},
                {"codeActionProvider", true},
                {"renameProvider", Object{{"prepareProvider", true}}},
                {"completionProvider", Object{{"triggerCharacters", Array{"."}}}},
                {"signatureHelpProvider", Object{{"triggerCharacters", Array{"(", ","}}}}};
}

llvm::Expected<Value> Server::request(llvm::StringRef method, const Object &params) {
  if (method == "initialize")
    return Object{{"capabilities", capabilities()}, {"serverInfo", Object{{"name", "tintype-lsp-server"}}}};
  if (method == "shutdown") {
    isShutDown = true;
    other.reset();
    return nullptr;
  }
  const Object *doc = params.getObject("textDocument");
  auto uri = doc ? doc->getString("uri") : std::nullopt;
  if (!uri)
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "expected a document");
  // Names may stand in every open file.
  bool isWide = method == "textDocument/references" || method == "textDocument/rename" || method == "textDocument/definition";
  while (isWide && workspace.work())
    ;
  Analysis *a = workspace.analysisOf(*uri);
  if (!a)
    return nullptr; // not open, or unreadable
  if (method == "textDocument/documentSymbol")
    return documentSymbols(*a);
  if (method == "textDocument/formatting")
    return formatting(*a);
  if (method == "textDocument/codeAction")
    return Array();
  return aboutPlace(method, params, *a);
}

llvm::Expected<Value> Server::aboutPlace(llvm::StringRef method, const Object &params, Analysis &a) {
  auto position = readPosition(params.getObject("position"));
  if (!position)
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "expected a position");
  size_t at = offsetOf(a.textOf(a.main()), *position);
  if (method == "textDocument/hover")
    return hover(a, at);
  if (method == "textDocument/definition")
    return definition(workspace, a, at);
  if (method == "textDocument/documentHighlight")
    return highlights(a, at);
  if (method == "textDocument/completion")
    return completion(a, at);
  if (method == "textDocument/signatureHelp")
    return signatureHelp(a, at);
  if (method == "textDocument/prepareRename")
    return prepareRename(a, at);
  if (method == "textDocument/rename")
    return rename(workspace, a, at, params.getString("newName").value_or(""));
  const Object *context = params.getObject("context");
  bool withDeclaration = !context || context->getBoolean("includeDeclaration").value_or(true);
  return references(workspace, a, at, withDeclaration);
}

} // namespace tintype::lsp
