//===- Diagnostics.h - errors with places, notes and hints ------*- C++ -*-===//
//   diag.error(loc) << "expected " << a << ", but got " << b;
//   auto e = diag.error(loc) << "index t ranges over two dimensions";
//   e.note(other) << "T comes from here";
//   e.hint() << "fix the range with `t: T`";
//
//   model.tin:42:59: error: index t ranges over two dimensions
//       x[b, t, c] = wte.weight[tokens[b, t], c] + wpe.weight[t, c]
//                                                             ^
//   model.tin:42:39: note: T comes from here
//   ...
//   hint: fix the range with `t: T`
//===----------------------------------------------------------------------===//
#ifndef TINTYPE_FRONTEND_DIAGNOSTICS_H
#define TINTYPE_FRONTEND_DIAGNOSTICS_H

#include "frontend/Source.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"
#include <deque>
#include <optional>

namespace tintype::frontend {

enum class Severity { Error, Warning, Remark, Note, Hint };

struct Message {
  Severity severity;
  Loc loc;
  std::string text;
};

/// A main message followed by its notes and hints.
struct Diagnostic {
  std::deque<Message> messages;
  Severity severity() const { return messages.front().severity; }
};

/// Writes into one message. Copies write to the same diagnostic; it stays
/// valid as long as the `Diagnostics` that made it.
class DiagBuilder {
public:
  DiagBuilder(Diagnostic &d, Message &m) : diagnostic(&d), message(&m) {}

  template <typename T> DiagBuilder &operator<<(const T &value) {
    llvm::raw_string_ostream(message->text) << value;
    return *this;
  }
  /// Adds a note with its own place.
  DiagBuilder note(Loc loc) { return append(Severity::Note, loc); }
  /// Adds a hint, which has no place.
  DiagBuilder hint() { return append(Severity::Hint, {}); }

private:
  DiagBuilder append(Severity severity, Loc loc) {
    diagnostic->messages.push_back({severity, loc, {}});
    return {*diagnostic, diagnostic->messages.back()};
  }
  Diagnostic *diagnostic;
  Message *message;
};

class Diagnostics {
public:
  explicit Diagnostics(const SourceManager &sources) : sources(sources) {}

  DiagBuilder error(Loc loc) { return add(Severity::Error, loc); }
  DiagBuilder warning(Loc loc) { return add(Severity::Warning, loc); }
  DiagBuilder remark(Loc loc) { return add(Severity::Remark, loc); }

  bool hasErrors() const { return errors != 0; }
  const std::deque<Diagnostic> &all() const { return list; }
  const SourceManager &getSources() const { return sources; }

  /// Prints everything collected, in order, with source lines and carets.
  void print(llvm::raw_ostream &os) const;

private:
  DiagBuilder add(Severity severity, Loc loc);

  const SourceManager &sources;
  std::deque<Diagnostic> list;
  unsigned errors = 0;
};

/// The candidate closest to `name`, when one is close enough to be a slip.
std::optional<std::string> nearest(llvm::StringRef name, llvm::ArrayRef<std::string> candidates);

} // namespace tintype::frontend

#endif
