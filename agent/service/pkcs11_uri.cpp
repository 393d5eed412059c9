#include "agent/service/pkcs11_uri.h"

#include <fmt/format.h>

#include "common/bytes.h"

namespace hubseal::agent {
namespace {

/// RFC 3986 section 2.3. The URI might hold more characters as they are; readers differ there.
bool is_unreserved(std::uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string encode(std::string_view text) {
  std::string encoded;
  for (const std::uint8_t byte : as_bytes(text))
    encoded += is_unreserved(byte) ? std::string(1, static_cast<char>(byte)) : fmt::format("%{:02X}", byte);
  return encoded;
}

}  // namespace

std::string private_key_uri(std::string_view token_label, std::string_view label) {
  const std::string token = token_label.empty() ? "" : "token=" + encode(token_label) + ";";
  return "pkcs11:" + token + "object=" + encode(label) + ";type=private";
}

}  // namespace hubseal::agent
