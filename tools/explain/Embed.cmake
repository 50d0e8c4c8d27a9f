# cmake -DOUT=PageFiles.cpp -DCSS=page.css -DJS=page.js -P Embed.cmake
# Writes the page's style and script as one C++ source.
file(READ ${CSS} css)
file(READ ${JS} js)
file(WRITE ${OUT} "// Generated from tools/explain.\nnamespace tintype::explain {\nextern const char *const pageStyle;\nextern const char *const pageScript;\nconst char *const pageStyle = R\"page(${css})page\";\nconst char *const pageScript = R\"page(${js})page\";\n}\n")
