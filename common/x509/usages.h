/// What a certified key may be used for, in the words of profiles.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/obj_mac.h>
#include <openssl/x509v3.h>

namespace hubseal::x509 {

/// RFC 5280 section 4.2.1.3; the value is OpenSSL's bit.
enum class KeyUsage : std::uint32_t {
  digital_signature = KU_DIGITAL_SIGNATURE,
  key_encipherment = KU_KEY_ENCIPHERMENT,
  key_cert_sign = KU_KEY_CERT_SIGN,
  crl_sign = KU_CRL_SIGN,
};
constexpr std::array<std::pair<std::string_view, KeyUsage>, 4> kKeyUsages = {{
    {"digital_signature", KeyUsage::digital_signature},
    {"key_encipherment", KeyUsage::key_encipherment},
    {"key_cert_sign", KeyUsage::key_cert_sign},
    {"crl_sign", KeyUsage::crl_sign},
}};

/// RFC 5280 section 4.2.1.12; the value is OpenSSL's NID.
enum class ExtendedKeyUsage : int {
  server_auth = NID_server_auth,
  client_auth = NID_client_auth,
  ocsp_signing = NID_OCSP_sign,
};
constexpr std::array<std::pair<std::string_view, ExtendedKeyUsage>, 3> kExtendedKeyUsages = {{
    {"server_auth", ExtendedKeyUsage::server_auth},
    {"client_auth", ExtendedKeyUsage::client_auth},
    {"ocsp_signing", ExtendedKeyUsage::ocsp_signing},
}};

}  // namespace hubseal::x509
