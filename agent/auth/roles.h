#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hubseal::agent::auth {

/// What a caller can be.
enum class Role {
  pta,       ///< the hub's technical administrators
  mta,       ///< its onboarding staff
  dfsp,      ///< a DFSP's own login
  service,   ///< a service of the hub that verifies messages
  everyone,  ///< whom the provider vouches for
  anybody,   ///< who does not say who they are
};
std::string_view to_string(Role role);

/// Somebody whom the identity provider vouches for.
struct Identity {
  std::string subject;
  std::string name = {};   ///< to be shown; may be empty
  std::string email = {};  ///< likewise
  std::set<Role> roles = {};
  std::vector<std::string> dfsp_groups = {};  ///< groups of DFSPs, as a DFSP's security group names them

  bool is(Role role) const { return roles.contains(role); }
  /// Whether a DFSP with this security group is theirs. An empty one is nobody's.
  bool belongs_to(std::string_view security_group) const;
};

/// Which groups of the provider give which role.
struct GroupNames {
  std::string pta = "Application/PTA";
  std::string mta = "Application/MTA";
  std::string service = "Application/HUB-SERVICES";
  std::string dfsp_prefix = "Application/DFSP:";  ///< followed by what tells the DFSP
};

/// Sets what follows from membership in `groups`, whose one leading slash (Keycloak's full paths) does not count.
/// Everybody is `everyone`; unknown groups give nothing.
void set_roles(Identity& identity, const std::vector<std::string>& groups, const GroupNames& names);

}  // namespace hubseal::agent::auth
