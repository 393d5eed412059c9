# Writes the files SOURCES as a table of raw strings to OUTPUT, in the order given.
set(rows "")
foreach(source IN LISTS SOURCES)
  get_filename_component(name ${source} NAME)
  file(READ ${source} text)
  string(APPEND rows "    {\"${name}\", R\"file(${text})file\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"agent/http/api_document.h\"

namespace hubseal::agent::http {

std::span<const EmbeddedFile> embedded_openapi() {
  static const EmbeddedFile kFiles[] = {
${rows}  };
  return kFiles;
}

}  // namespace hubseal::agent::http
")
