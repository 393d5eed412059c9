#include "agent/auth/roles.h"

#include <algorithm>

namespace hubseal::agent::auth {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::pta: return "pta";
    case Role::mta: return "mta";
    case Role::dfsp: return "dfsp";
    case Role::service: return "service";
    case Role::everyone: return "everyone";
    case Role::anybody: return "anybody";
  }
  return "";
}

bool Identity::belongs_to(std::string_view security_group) const {
  return !security_group.empty() &&
         std::find(dfsp_groups.begin(), dfsp_groups.end(), security_group) != dfsp_groups.end();
}

void set_roles(Identity& identity, const std::vector<std::string>& groups, const GroupNames& names) {
  identity.roles = {Role::everyone};
  identity.dfsp_groups.clear();
  for (std::string_view group : groups) {
    if (group.starts_with('/')) group.remove_prefix(1);
    if (group == names.pta) identity.roles.insert(Role::pta);
    if (group == names.mta) identity.roles.insert(Role::mta);
    if (group == names.service) identity.roles.insert(Role::service);
    if (!group.starts_with(names.dfsp_prefix) || group.size() == names.dfsp_prefix.size()) continue;
    identity.roles.insert(Role::dfsp);
    identity.dfsp_groups.emplace_back(group);
  }
}

}  // namespace hubseal::agent::auth
