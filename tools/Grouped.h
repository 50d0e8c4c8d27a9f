//===- Grouped.h - whole numbers as people read them ------------*- C++ -*-===//
#ifndef TINTYPE_TOOLS_GROUPED_H
#define TINTYPE_TOOLS_GROUPED_H

#include <cstdint>
#include <string>

namespace tintype {
/// `124439808` as `124,439,808`.
inline std::string grouped(int64_t n) {
  std::string s = std::to_string(n);
  for (int i = int(s.size()) - 3; i > (n < 0); i -= 3)
    s.insert(size_t(i), ",");
  return s;
}
} // namespace tintype

#endif
