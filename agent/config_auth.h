#pragma once

#include <optional>
#include <string>

#include "agent/config.h"
#include "common/fields.h"

namespace hubseal::agent {

/// `path` as it stands under `key`, if it may be where a file with a secret is (or empty). What else stands there is
/// not told: whoever wrote the secret itself shall not find it in a log.
Result<std::string> secret_path(std::string_view key, std::string path);

/// Section [auth]; nothing for mode "none".
Result<std::optional<OidcConfig>> read_auth(Fields fields);

/// Section [keycloak]. Refused where nobody has to say who they are: everybody could read everybody's secret.
Result<auth::KeycloakConfig> read_keycloak(Fields fields, const std::optional<OidcConfig>& oidc);

}  // namespace hubseal::agent
