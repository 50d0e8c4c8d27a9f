# cmake -DOUT=StdFiles.cpp -DFILES=a.tin,b.tin -P EmbedStd.cmake
# Writes the library's files as one C++ source.
set(text "// Generated from frontend/std.\n#include \"frontend/StdFiles.h\"\n\n")
string(APPEND text "namespace tintype::frontend {\nllvm::ArrayRef<StdFile> stdFiles() {\n  static const StdFile files[] = {\n")
string(REPLACE "," ";" FILES "${FILES}")
foreach(path IN LISTS FILES)
  get_filename_component(name ${path} NAME)
  file(READ ${path} body)
  string(APPEND text "{\"std/${name}\", R\"tin(${body})tin\"},\n")
endforeach()
string(APPEND text "  };\n  return files;\n}\n} // namespace tintype::frontend\n")
file(WRITE ${OUT} "${text}")
