//===- fuzz_lsp.cpp - messages to the language server from anywhere -------===//
//
// Every message is answered or ignored. NUL bytes separate messages; the part
// before the first one is the text of a file that is open, and `\x01` stands
// for the member that names it.
//
//===----------------------------------------------------------------------===//
#include "tools/lsp/Server.h"

using llvm::json::Object;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static constexpr char kUri[] = "file:///fuzz/a.tin";
  tintype::lsp::Server server([](const llvm::json::Value &) {}, [](const llvm::json::Value &) { return nullptr; });
  auto tell = [&](Object message) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::json::Value(std::move(message));
    return server.handle(text);
  };
  auto [text, rest] = llvm::StringRef(reinterpret_cast<const char *>(data), size).split('\0');
  tell(Object{{"id", 1}, {"method", "initialize"}, {"params", Object{}}});
  std::string clean = llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
  tell(Object{{"method", "textDocument/didOpen"},
              {"params", Object{{"textDocument", Object{{"uri", kUri}, {"languageId", "tintype"}, {"text", clean}}}}}});
  server.work();
  // Each question at a few places of the text.
  for (size_t at = 0; at <= text.size() && text.size() < 2000; at += 1 + text.size() / 8) {
    Object place{{"textDocument", Object{{"uri", kUri}}},
                 {"position", Object{{"line", int64_t(text.take_front(at).count('\n'))}, {"character", int64_t(at % 40)}}},
                 {"newName", "renamed"}};
    for (const char *method :
         {"hover", "completion", "signatureHelp", "prepareRename", "documentHighlight", "documentSymbol", "formatting"})
      tell(Object{{"id", 2}, {"method", std::string("textDocument/") + method}, {"params", Object(place)}});
  }
  while (!rest.empty()) {
    auto [message, more] = rest.split('\0');
    std::string whole;
    for (char c : message)
      whole += c == '\x01' ? std::string("\"textDocument\":{\"uri\":\"") + kUri + "\"}" : std::string(1, c);
    // Renaming and references look at the files of a folder.
    if (!llvm::StringRef(whole).contains("didOpen") && !server.handle(whole))
      break;
    rest = more;
  }
  while (server.work())
    ;
  return 0;
}
