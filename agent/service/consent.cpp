#include "agent/service/consent.h"

#include <nlohmann/json.hpp>

#include "agent/service/signing_daemon.h"
#include "common/json.h"

namespace hubseal::agent {

std::string waiting_json(SigningDaemon& daemon, const std::string& approval) {
  Json waiting = {{"id", approval}};
  if (const auto asked = daemon.get_approval(approval)) {
    waiting["needed"] = asked->needed;
    waiting["expires"] = asked->expires;
  }
  return dump_json(waiting);
}

bool has_consent(SigningDaemon& daemon, const std::string& waiting_json) {
  const auto waiting = parse_json(waiting_json);
  if (!waiting) return false;
  const auto approval = daemon.get_approval(waiting->value("id", std::string()));
  // "used": the certificate is made, and its answer did not arrive here.
  return approval && (approval->state == "approved" || approval->state == "used");
}

}  // namespace hubseal::agent
