#include "cli/authorities.h"

#include <nlohmann/json.hpp>

#include "cli/table.h"

namespace hubseal::cli {

Result<Json> fetch_cas(const Session& session) {
  const Json health = TRY(session.call("health", Json::object()));
  Json cas = Json::array();
  for (const Json& name : member_of(health, "cas")) cas.push_back(TRY(session.call("get_ca", {{"ca", name}})));
  return cas;
}

std::string render_cas(const Json& cas) {
  Table table({"CA", "STATE", "KEY", "SERIAL", "NOT AFTER", "SUCCESSOR", "SUBJECT"});
  for (const Json& ca : cas)
    table.row({text_of(ca, "ca"), text_of(ca, "state"), text_of(ca, "key"), text_of(ca, "serial"),
               text_of(ca, "not_after"), text_of(ca, "successor"), text_of(ca, "subject")});
  return table.empty() ? "no CA yet: hubseal init --help\n" : table.render();
}

}  // namespace hubseal::cli
