#pragma once

#include <string>
#include <string_view>

namespace hubseal::agent {

/// The PKCS#11 URI (RFC 7512) of the private key with this label, which is its token's only one of that name. Its
/// CKA_ID is a random number that hubseald tells to nobody. `token_label` may be empty, and is left out then.
std::string private_key_uri(std::string_view token_label, std::string_view label);

}  // namespace hubseal::agent
