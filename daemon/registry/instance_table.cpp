#include "daemon/registry/instance_table.h"

namespace hubseal::daemon::instance_table {

Result<std::string> id(Database& database) {
  Statement row = TRY(database.prepare("SELECT id FROM instance"));
  if (!TRY(row.step())) return fail(Code::internal, "registry has no instance id");
  return row.text(0);
}

}  // namespace hubseal::daemon::instance_table
