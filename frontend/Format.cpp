//===- Format.cpp - the one layout of .tin text ---------------------------===//
#include "frontend/Format.h"
#include "frontend/Lexer.h"
#include "frontend/Parser.h"
#include "llvm/ADT/StringExtras.h"

namespace tintype::frontend {

namespace {
/// One line of the result.
struct Line {
  std::string text;    ///< with indentation, without comment
  std::string comment; ///< at the end of the line
  size_t assign = 0;   ///< column of `=` in a config on one line, else 0
};

/// An open parenthesis or bracket.
struct Open {
  bool ofReducer; ///< the `(` after a reducer
  size_t column;  ///< of the first token inside, when that stands on the same line
  bool hanging;   ///< nothing follows on its line
  size_t indent;  ///< of the line it stands on
  int ternaries;  ///< `?` still waiting for their `:`
};

class Formatter {
public:
  Formatter(llvm::StringRef text, const Lexed &lexed) : text(text), lexed(lexed) {}

  std::string run() {
    size_t begin = 0;
    while (begin < text.size()) {
      size_t end = std::min(text.find('\n', begin), text.size());
      formatLine(end);
      begin = end + 1;
    }
    while (!lines.empty() && isBlank(lines.back()))
      lines.pop_back();
    alignConfigs();
    return join();
  }

private:
  static bool isBlank(const Line &l) { return l.text.empty() && l.comment.empty(); }
  Tok kindAt(size_t i) const { return lexed.tokens[i].kind; }

  /// Everything that ends before `end` goes to one line.
  void formatLine(size_t end) {
    Line line;
    size_t first = next;
    lineIndent = 0;
    while (kindAt(next) != Tok::End && lexed.tokens[next].offset < end) {
      if (kindAt(next) != Tok::Newline)
        addToken(line, next, first);
      else
        first = next + 1;
      ++next;
    }
    bool hasComment = comment < lexed.comments.size() && lexed.comments[comment].offset < end;
    if (hasComment) {
      const Comment &c = lexed.comments[comment++];
      llvm::StringRef body = text.substr(c.offset, c.length).rtrim();
      if (line.text.empty())
        line.text = std::string(indentOf(Tok::End), ' ') + body.str();
      else
        line.comment = body.str();
    }
    // A newline token stands at the end of its line; the next line starts a
    // statement unless a reducer's `)` came before.
    if (kindAt(next) == Tok::Newline && lexed.tokens[next].offset == end) {
      if (lastToken != Tok::RParen || !lastClosedReducer)
        inStatement = false;
      ++next;
    }
    if (!isBlank(line) || wantsBlank())
      lines.push_back(std::move(line));
    else
      return;
    // No empty line before a closing brace.
    if (lines.size() > 1 && isBlank(lines[lines.size() - 2]) && llvm::StringRef(lines.back().text).ltrim().starts_with("}"))
      lines.erase(lines.end() - 2);
  }

  /// At most one empty line, none at the start of the file or after `{`.
  bool wantsBlank() const { return !lines.empty() && !isBlank(lines.back()) && !llvm::StringRef(lines.back().text).ends_with("{"); }

  void addToken(Line &line, size_t i, size_t firstOfLine) {
    Tok kind = kindAt(i);
    const Token &t = lexed.tokens[i];
    if (line.text.empty()) {
      lineIndent = indentOf(kind);
      line.text.assign(lineIndent, ' ');
      firstTokenKind = kind;
    } else {
      if (needsSpace(kind, i))
        line.text += ' ';
      if (!opens.empty() && opens.back().hanging && justOpened()) {
        opens.back().column = line.text.size();
        opens.back().hanging = false;
      }
    }
    beginStatement(kind, i);
    if (kind == Tok::Assign && firstTokenKind == Tok::Config && opens.empty() && !line.assign && i == firstOfLine + 2)
      line.assign = line.text.size();
    line.text += text.substr(t.offset, t.length);
    track(kind, i);
    lastToken = kind;
  }

  void beginStatement(Tok kind, size_t i) {
    if (inStatement || kind == Tok::RBrace)
      return;
    inStatement = true;
    isHeader = kind == Tok::Fn || kind == Tok::Block || kind == Tok::Model;
    startsSection = braces.empty() && kind == Tok::Name;
  }

  bool justOpened() const { return lastToken == Tok::LParen || lastToken == Tok::LBracket; }

  /// Brackets, braces and ternaries after the token has been written.
  void track(Tok kind, size_t i) {
    lastClosedReducer = false;
    lastWasUnary = kind == Tok::Minus && isOperandExpected;
    switch (kind) {
    case Tok::LParen:
    case Tok::LBracket:
      opens.push_back({lastToken == Tok::Reducer, 0, true, lineIndent, 0});
      break;
    case Tok::RParen:
    case Tok::RBracket:
      if (!opens.empty()) {
        lastClosedReducer = opens.back().ofReducer;
        opens.pop_back();
      }
      break;
    case Tok::LBrace:
      braces.push_back(startsSection);
      startsSection = inStatement = isHeader = false;
      ternaries = 0;
      break;
    case Tok::RBrace:
      if (!braces.empty())
        braces.pop_back();
      inStatement = !braces.empty() || kindAt(i + 1) != Tok::Newline;
      break;
    case Tok::Question:
      ++(opens.empty() ? ternaries : opens.back().ternaries);
      break;
    case Tok::Colon:
      if (int &n = opens.empty() ? ternaries : opens.back().ternaries)
        --n;
      break;
    case Tok::Comma:
      // Settings of a section are separated by commas or lines alike.
      if (opens.empty() && !braces.empty() && braces.back())
        inStatement = false;
      break;
    default:
      break;
    }
    isOperandExpected = !endsOperand(kind) || lastClosedReducer;
  }

  static bool endsOperand(Tok kind) {
    switch (kind) {
    case Tok::Number:
    case Tok::String:
    case Tok::Name:
    case Tok::True:
    case Tok::False:
    case Tok::RParen:
    case Tok::RBracket:
    case Tok::Ellipsis:
      return true;
    default:
      return false;
    }
  }

  /// Blanks before the first token of a line (`Tok::End`: before a comment).
  size_t indentOf(Tok kind) const {
    bool closes = kind == Tok::RParen || kind == Tok::RBracket;
    if (!opens.empty()) {
      const Open &o = opens.back();
      if (o.hanging)
        return o.indent + (closes ? 0 : 2);
      return o.column - (closes ? 1 : 0);
    }
    size_t base = 2 * braces.size();
    if (kind == Tok::RBrace)
      return base - 2;
    return base + (inStatement ? isHeader ? 4 : 2 : 0);
  }

  bool needsSpace(Tok kind, size_t i) const {
    Tok before = lastToken;
    if (before == Tok::LParen || before == Tok::LBracket || before == Tok::Dot || lastWasUnary)
      return false;
    if (before == Tok::LBrace)
      return kind != Tok::RBrace;
    switch (kind) {
    case Tok::Comma:
    case Tok::Dot:
    case Tok::RParen:
    case Tok::RBracket:
      return false;
    case Tok::DotDot:
      return false;
    case Tok::Colon:
      return (opens.empty() ? ternaries : opens.back().ternaries) > 0;
    case Tok::LParen:
      if (before == Tok::Reducer || before == Tok::Scan)
        return false;
      return !endsOperand(before) || lastClosedReducer;
    case Tok::LBracket:
      return !endsOperand(before) || lastClosedReducer;
    case Tok::Caret:
      return !tightPower(i + 1);
    default:
      break;
    }
    if (before == Tok::DotDot)
      return false;
    if (before == Tok::Caret)
      return !tightPower(i);
    return true;
  }

  /// `x^2`, but `x ^ (n / 2)`.
  bool tightPower(size_t exponent) const { return kindAt(exponent) == Tok::Number || kindAt(exponent) == Tok::Name; }

  void alignConfigs() {
    for (size_t i = 0; i < lines.size();) {
      size_t end = i, column = 0;
      for (; end < lines.size() && lines[end].assign; ++end)
        column = std::max(column, lines[end].assign);
      for (size_t k = i; k < end; ++k)
        lines[k].text.insert(lines[k].assign, column - lines[k].assign, ' ');
      i = std::max(end, i + 1);
    }
  }

  /// Comments of neighbouring lines start in one column.
  std::string join() {
    std::string out;
    for (size_t i = 0; i < lines.size();) {
      size_t end = i, column = 0;
      for (; end < lines.size() && !lines[end].comment.empty(); ++end)
        column = std::max(column, lines[end].text.size());
      for (size_t k = i; k < end; ++k)
        out += lines[k].text + std::string(column - lines[k].text.size() + 3, ' ') + lines[k].comment + "\n";
      if (end == i)
        out += lines[i].text + "\n";
      i = std::max(end, i + 1);
    }
    return out;
  }

  llvm::StringRef text;
  const Lexed &lexed;
  std::vector<Line> lines;
  size_t next = 0;    ///< token
  size_t comment = 0; ///< comment
  std::vector<Open> opens;
  std::vector<bool> braces; ///< whether each open one is a section's
  int ternaries = 0;
  size_t lineIndent = 0;
  Tok firstTokenKind = Tok::End;
  Tok lastToken = Tok::Newline;
  bool lastClosedReducer = false, lastWasUnary = false, isOperandExpected = true;
  bool inStatement = false;   ///< the next line goes on with a statement
  bool isHeader = false;      ///< of a function or block, up to its `{`
  bool startsSection = false; ///< the next `{` is a section's
};
} // namespace

std::optional<std::string> format(FileId file, const SourceManager &sources, Diagnostics &diag) {
  auto before = parseFile(file, sources, diag);
  auto lexed = before ? lex(file, sources, diag) : std::nullopt;
  if (!lexed)
    return std::nullopt;
  std::string result = Formatter(sources.text(file), *lexed).run();
  // The promise of the header, checked at every use: it costs a millisecond.
  SourceManager scratch;
  Diagnostics ignored(scratch);
  auto after = parseFile(scratch.add("formatted", result), scratch, ignored);
  if (!after || dump(*before) != dump(*after)) {
    diag.error({file, Loc::kWholeFile}) << "expected formatting to keep the meaning, but it does not; please report this file";
    return std::nullopt;
  }
  return result;
}

} // namespace tintype::frontend
