#include "agent/service/caller.h"

#include "common/log.h"

namespace hubseal::agent {

std::string Caller::who() const {
  if (!identity) return "-";
  std::string roles;
  for (const auth::Role role : identity->roles) roles.append(roles.empty() ? "" : ", ").append(auth::to_string(role));
  return log::printable(identity->subject, 80) + " (" + roles + ")";
}

}  // namespace hubseal::agent
