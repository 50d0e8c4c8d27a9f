//===- RuntimeUnit.h - what the files of runtime-unit share -----*- C++ -*-===//
#ifndef TINTYPE_TEST_RUNTIME_RUNTIMEUNIT_H
#define TINTYPE_TEST_RUNTIME_RUNTIMEUNIT_H

#include <cstdio>

extern int failures;
#define EXPECT(condition)                                                                                                                  \
  do {                                                                                                                                     \
    if (!(condition)) {                                                                                                                    \
      ++failures;                                                                                                                          \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);                                                             \
    }                                                                                                                                      \
  } while (0)

void gridPlaces();
void gridViews();
void tileProducts();
void tileProductsOfParts();

#endif
