#include "agent/service/pkcs11_uri.h"

#include "common/bytes.h"

namespace hubseal::agent {

// The URI might hold more characters as they are; readers differ there.
std::string private_key_uri(std::string_view token_label, std::string_view label) {
  const std::string token = token_label.empty() ? "" : "token=" + percent_encoded(token_label) + ";";
  return "pkcs11:" + token + "object=" + percent_encoded(label) + ";type=private";
}

}  // namespace hubseal::agent
