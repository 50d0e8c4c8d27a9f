//===- Html.h - small pieces of a page --------------------------*- C++ -*-===//
#ifndef TINTYPE_TOOLS_EXPLAIN_HTML_H
#define TINTYPE_TOOLS_EXPLAIN_HTML_H

#include "tools/explain/Report.h"
#include "llvm/Support/raw_ostream.h"

namespace tintype::explain {

/// Text with `<`, `>`, `&` and `"` written so that it means itself.
std::string escape(llvm::StringRef text);
/// `1.23` with a suitable number of digits.
std::string digits(double value, int most = 3);
/// `2.4 GFLOP`, `12.3 ms`, `43 %`, `4.5 M`
std::string flopText(double flops);
std::string timeText(double seconds);
std::string percent(double share);
std::string countText(double count);

/// A bar of `share` of its width.
std::string bar(double share, llvm::StringRef kind = "contraction");
/// `K12`, coloured by kind, with a link to the kernel.
std::string chip(const Report &report, int kernel);
/// `gpt2.tin:12` with a link to the line, or plain where the source is not shown.
std::string place(const Report &report, llvm::StringRef label);
/// What stands on the line that `label` names, trimmed.
std::string lineText(const Report &report, llvm::StringRef label);

/// Sections, in the order of the page.
void writeOverview(const Report &report, llvm::raw_ostream &os);
void writeModel(const Report &report, llvm::raw_ostream &os);
void writePrograms(const Report &report, llvm::raw_ostream &os);
void writeKernels(const Report &report, llvm::raw_ostream &os);
void writeMemory(const Report &report, llvm::raw_ostream &os);
void writeRemarks(const Report &report, llvm::raw_ostream &os);
void writeSources(const Report &report, llvm::raw_ostream &os);

} // namespace tintype::explain

#endif
