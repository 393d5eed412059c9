#pragma once

#include <optional>

#include "agent/config.h"
#include "common/fields.h"

namespace hubseal::agent {

/// Section [auth]; nothing for mode "none".
Result<std::optional<OidcConfig>> read_auth(Fields fields);

/// Section [keycloak]. Refused where nobody has to say who they are: everybody could read everybody's secret.
Result<auth::KeycloakConfig> read_keycloak(Fields fields, const std::optional<OidcConfig>& oidc);

}  // namespace hubseal::agent
