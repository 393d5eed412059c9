#include "cli/ceremony/fingerprint.h"

#include "cli/session.h"
#include "common/bytes.h"
#include "common/key_types.h"
#include "common/x509/pem.h"

namespace hubseal::cli {

std::string fingerprint_of(const Json& reply) {
  for (const char* member : {"certificate", "csr"})
    if (const auto der = x509::der_of_pem(text_of(reply, member), {"CERTIFICATE", "CERTIFICATE REQUEST"}))
      return to_hex(sha256(*der));
  for (const char* member : {"key_id", "sha256"})
    if (member_of(reply, member).is_string()) return text_of(reply, member);
  return "";
}

std::string in_groups(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (i > 0 && i % 4 == 0) text += ' ';
    text += hex[i];
  }
  return text;
}

}  // namespace hubseal::cli
