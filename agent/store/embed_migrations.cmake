# Writes the SQL files SOURCES as a table of raw strings to OUTPUT, in the order given.
set(rows "")
foreach(source IN LISTS SOURCES)
  get_filename_component(name ${source} NAME_WE)
  string(REGEX MATCH "^[0-9]+" version ${name})
  file(READ ${source} text)
  string(APPEND rows "    {1${version} - 10000, \"${name}\", R\"sql(${text})sql\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"agent/store/migrations.h\"

namespace hubseal::agent::store {

std::span<const Migration> embedded_migrations() {
  static const Migration kMigrations[] = {
${rows}  };
  return kMigrations;
}

}  // namespace hubseal::agent::store
")
