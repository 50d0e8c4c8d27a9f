//===- Lexer.cpp - tokens and comments of a .tin file ---------------------===//
#include "frontend/Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/FormatVariadic.h"

namespace tintype::frontend {

static constexpr std::pair<llvm::StringLiteral, Tok> kKeywords[] = {
    {"import", Tok::Import}, {"config", Tok::Config}, {"block", Tok::Block},   {"model", Tok::Model}, {"param", Tok::Param},
    {"at", Tok::At},         {"if", Tok::If},         {"fn", Tok::Fn},         {"where", Tok::Where}, {"scan", Tok::Scan},
    {"for", Tok::For},       {"in", Tok::In},         {"return", Tok::Return}, {"or", Tok::Or},       {"and", Tok::And},
    {"not", Tok::Not},       {"true", Tok::True},     {"false", Tok::False}};

/// Longest first, so that the first match is the token.
static constexpr std::pair<llvm::StringLiteral, Tok> kPunctuation[] = {
    {"...", Tok::Ellipsis},  {"..", Tok::DotDot},   {"??", Tok::OrElse},    {"->", Tok::Arrow},        {"//", Tok::SlashSlash},
    {"==", Tok::EqualEqual}, {"!=", Tok::NotEqual}, {"<=", Tok::LessEqual}, {">=", Tok::GreaterEqual}, {"(", Tok::LParen},
    {")", Tok::RParen},      {"[", Tok::LBracket},  {"]", Tok::RBracket},   {"{", Tok::LBrace},        {"}", Tok::RBrace},
    {",", Tok::Comma},       {":", Tok::Colon},     {".", Tok::Dot},        {"=", Tok::Assign},        {"?", Tok::Question},
    {"+", Tok::Plus},        {"-", Tok::Minus},     {"*", Tok::Star},       {"/", Tok::Slash},         {"%", Tok::Percent},
    {"^", Tok::Caret},       {"<", Tok::Less},      {">", Tok::Greater}};

llvm::StringRef spelling(Tok kind) {
  for (const auto &[text, k] : kKeywords)
    if (k == kind)
      return text;
  for (const auto &[text, k] : kPunctuation)
    if (k == kind)
      return text;
  return {};
}

llvm::ArrayRef<std::string> keywords() {
  static const std::vector<std::string> list = [] {
    std::vector<std::string> v;
    for (const auto &[text, k] : kKeywords)
      v.push_back(text.str());
    return v;
  }();
  return list;
}

static Tok classifyWord(llvm::StringRef word) {
  for (const auto &[text, k] : kKeywords)
    if (word == text)
      return k;
  return llvm::StringSwitch<Tok>(word)
      .Cases({"sum", "prod", "mean", "max", "min", "any", "all"}, Tok::Reducer)
      .Cases({"argmax", "logsumexp", "softmax", "cumsum"}, Tok::Reducer)
      .Default(Tok::Name);
}

/// Whether a statement goes on after this token and a newline.
static bool continuesLine(Tok kind) {
  switch (kind) {
  case Tok::Comma:
  case Tok::Colon:
  case Tok::DotDot:
  case Tok::Assign:
  case Tok::Arrow:
  case Tok::Question:
  case Tok::OrElse:
  case Tok::Plus:
  case Tok::Minus:
  case Tok::Star:
  case Tok::Slash:
  case Tok::SlashSlash:
  case Tok::Percent:
  case Tok::Caret:
  case Tok::Less:
  case Tok::Greater:
  case Tok::LessEqual:
  case Tok::GreaterEqual:
  case Tok::EqualEqual:
  case Tok::NotEqual:
  case Tok::Or:
  case Tok::And:
  case Tok::Not:
    return true;
  default:
    return false;
  }
}

namespace {
class Lexer {
public:
  Lexer(FileId file, llvm::StringRef text, Diagnostics &diag, bool recovers) : file(file), text(text), diag(diag), recovers(recovers) {}

  bool run() {
    if (text.size() > kMaxFileBytes) {
      diag.error({file, Loc::kWholeFile}) << "expected at most " << kMaxFileBytes << " bytes, but got " << text.size();
      return false;
    }
    constexpr unsigned kMostErrors = 20;
    unsigned errors = 0;
    while (pos < text.size()) {
      size_t before = pos;
      if (step())
        continue;
      if (!recovers || ++errors == kMostErrors)
        return false;
      if (pos == before)
        leaveOut();
    }
    newline();
    push(Tok::End, 0);
    return true;
  }
  Lexed out;

private:
  bool step() {
    char c = text[pos];
    if (c == ' ' || c == '\t' || c == '\r') {
      ++pos;
      return true;
    }
    if (c == '\n') {
      newline();
      ++pos;
      lineHasToken = false;
      isFirstOfLine = true;
      return true;
    }
    if (c == '#')
      return comment();
    lineHasToken = true;
    if (c == '"')
      return string();
    if (llvm::isDigit(c))
      return number();
    if (llvm::isAlpha(c) || c == '_') {
      size_t n = text.substr(pos).find_if_not([](char d) { return llvm::isAlnum(d) || d == '_'; });
      llvm::StringRef word = text.substr(pos).take_front(n);
      push(classifyWord(word), word.size());
      return true;
    }
    return punctuation();
  }

  /// Goes past what is no token: a string without end, one character.
  void leaveOut() {
    if (text[pos] == '#' || text[pos] == '"')
      pos += text.substr(pos).find_first_of('\n') == llvm::StringRef::npos ? text.size() - pos : text.substr(pos).find('\n');
    else if (llvm::isAlnum(text[pos]))
      pos += text.substr(pos).take_while([](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; }).size();
    else
      do
        ++pos;
      while (pos < text.size() && (text[pos] & 0xc0) == 0x80);
  }

  /// Words that stand first in a line, never inside brackets.
  static bool startsLine(Tok kind) {
    switch (kind) {
    case Tok::Import:
    case Tok::Config:
    case Tok::Block:
    case Tok::Model:
    case Tok::Param:
    case Tok::Fn:
    case Tok::For:
    case Tok::Return:
    case Tok::RBrace:
      return true;
    default:
      return false;
    }
  }

  void push(Tok kind, size_t length) {
    if (recovers && depth && isFirstOfLine && startsLine(kind)) {
      depth = 0;
      newline();
    }
    isFirstOfLine = false;
    // A newline before `->` belongs to the declaration that goes on there.
    if (kind == Tok::Arrow && !out.tokens.empty() && out.tokens.back().kind == Tok::Newline)
      out.tokens.pop_back();
    if (kind == Tok::LParen || kind == Tok::LBracket)
      ++depth;
    if ((kind == Tok::RParen || kind == Tok::RBracket) && depth)
      --depth;
    out.tokens.push_back({kind, uint32_t(pos), uint32_t(length)});
    pos += length;
  }

  void newline() {
    if (depth || out.tokens.empty())
      return;
    Tok last = out.tokens.back().kind;
    if (last != Tok::Newline && !continuesLine(last))
      out.tokens.push_back({Tok::Newline, uint32_t(pos), 0});
  }

  bool comment() {
    llvm::StringRef body = text.substr(pos).take_until([](char c) { return c == '\n'; }).rtrim("\r");
    if (!checkText(body, "comment"))
      return false;
    out.comments.push_back({uint32_t(pos), uint32_t(body.size()), !lineHasToken, body.starts_with("##")});
    pos += body.size();
    return true;
  }

  bool string() {
    size_t end = text.find_first_of("\"\n", pos + 1);
    if (end == llvm::StringRef::npos || text[end] == '\n') {
      diag.error(here()) << "expected `\"` before the end of the line";
      return false;
    }
    if (!checkText(text.slice(pos, end), "string"))
      return false;
    push(Tok::String, end + 1 - pos);
    return true;
  }

  bool number() {
    auto digits = [&](size_t from) {
      size_t to = from;
      while (to < text.size() && llvm::isDigit(text[to]))
        ++to;
      return to;
    };
    size_t end = digits(pos);
    if (end + 1 < text.size() && text[end] == '.' && llvm::isDigit(text[end + 1]))
      end = digits(end + 1);
    else if (end < text.size() && text[end] == '.' && text.substr(end, 2) != "..") {
      diag.error(at(end + 1)) << "expected a digit after the decimal point";
      return false;
    }
    if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-'))
        ++exponent;
      if (digits(exponent) > exponent)
        end = digits(exponent);
    }
    if (end < text.size() && (llvm::isAlpha(text[end]) || text[end] == '_')) {
      diag.error(at(end)) << "expected the number to end here, but got `" << text[end] << "`";
      return false;
    }
    push(Tok::Number, end - pos);
    return true;
  }

  bool punctuation() {
    for (const auto &[spelled, kind] : kPunctuation)
      if (text.substr(pos).starts_with(spelled)) {
        push(kind, spelled.size());
        return true;
      }
    llvm::StringRef rest = text.substr(pos);
    llvm::StringRef instead = llvm::StringSwitch<llvm::StringRef>(rest.take_front(2))
                                  .Case("&&", "write `and`")
                                  .Case("||", "write `or`")
                                  .Default(llvm::StringSwitch<llvm::StringRef>(rest.take_front(1))
                                               .Case("!", "write `not`")
                                               .Case(";", "a statement ends with its line")
                                               .Case("'", "strings are written \"..\"")
                                               .Case("@", "a matrix product is `sum(k) a[i, k] * b[k, j]`")
                                               .Case("\\", "a line goes on after an operator or inside parentheses")
                                               .Default(""));
    auto e = diag.error(here()) << "expected a name, number, string or operator, but got ";
    unsigned char c = rest.front();
    if (c >= 0x80) {
      unsigned n = llvm::getNumBytesForUTF8(c);
      if (n <= rest.size() && llvm::isLegalUTF8Sequence(rest.bytes_begin(), rest.bytes_begin() + n))
        e << "`" << rest.take_front(n) << "`";
      else
        e << llvm::formatv("byte {0:x}", unsigned(c)).str();
      e.hint() << "letters outside ASCII are for comments and strings";
    } else if (llvm::isPrint(c))
      e << "`" << rest.front() << "`";
    else
      e << llvm::formatv("byte {0:x}", unsigned(c)).str();
    if (!instead.empty())
      e.hint() << instead;
    return false;
  }

  /// Strings end in JSON and protobuf, comments in hovers: both must be UTF-8.
  bool checkText(llvm::StringRef s, llvm::StringRef what) {
    for (size_t i = 0; i < s.size();) {
      unsigned char c = s[i];
      unsigned n = llvm::getNumBytesForUTF8(c);
      bool control = (c < 0x20 && c != '\t') || c == 0x7f;
      if (control || i + n > s.size() || !llvm::isLegalUTF8Sequence(s.bytes_begin() + i, s.bytes_begin() + i + n)) {
        diag.error(at(pos + i)) << "expected UTF-8 text in a " << what << ", but got " << llvm::formatv("byte {0:x}", unsigned(c)).str();
        return false;
      }
      i += n;
    }
    return true;
  }

  Loc at(size_t offset) const { return {file, uint32_t(offset)}; }
  Loc here() const { return at(pos); }

  FileId file;
  llvm::StringRef text;
  Diagnostics &diag;
  size_t pos = 0;
  unsigned depth = 0; ///< open parentheses and brackets
  bool lineHasToken = false;
  bool recovers;
  bool isFirstOfLine = true;
};
} // namespace

std::optional<Lexed> lex(FileId file, const SourceManager &sources, Diagnostics &diag, bool recovers) {
  Lexer lexer(file, sources.text(file), diag, recovers);
  if (!lexer.run())
    return std::nullopt;
  return std::move(lexer.out);
}

} // namespace tintype::frontend
