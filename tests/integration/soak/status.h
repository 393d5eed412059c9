#pragma once

#include <string>

namespace hubseal::test {

/// An OCSPRequest (RFC 6960) about one certificate of the CA (PEM), made by libcrypto; base64 of its DER.
/// `serial` in hexadecimal.
std::string ocsp_request(const std::string& ca_pem, const std::string& serial, bool with_nonce);

}  // namespace hubseal::test
