/// WebAuthn assertions (W3C Web Authentication, Level 2, section 7.2) by which a passkey or a security key
/// agrees to an approval statement: the challenge is the statement's hash. A web page can carry one and
/// cannot make one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::daemon::webauthn {

constexpr std::size_t kMaxClientDataBytes = 4096;

/// What a browser's PublicKeyCredential.response holds.
struct Assertion {
  Bytes authenticator_data;
  Bytes client_data;  ///< clientDataJSON, byte for byte
  Bytes signature;
};

/// Where an approver's key was registered.
struct RelyingParty {
  std::string rp_id;   ///< a DNS name
  std::string origin;  ///< "https://host[:port]", the host being rp_id or below it
};
/// Errors: bad_request.
Result<> check_relying_party(const RelyingParty& party);

/// Checks the assertion whole: type, challenge, origin, relying party, that a person was there and was verified
/// (UP and UV), and the signature. Extension data and flags that mean nothing yet are refused.
/// The signature counter that it carries; what that must be greater than is for the caller to know.
/// Errors: bad_request, naming what was found and what was wanted.
Result<std::uint32_t> verify(const Assertion& assertion, const RelyingParty& party, EVP_PKEY* key,
                             std::string_view statement);

}  // namespace hubseal::daemon::webauthn
