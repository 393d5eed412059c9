#include "daemon/approvals/webauthn.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/json.h"
#include "common/key_types.h"
#include "common/log.h"
#include "common/x509/subject_alt_names.h"
#include "daemon/approvals/approver_key.h"

namespace hubseal::daemon::webauthn {
namespace {

// Level 2, section 6.1: rpIdHash (32), flags (1), signCount (4); nothing more unless a flag says so.
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kDataBytes = kHashBytes + 1 + 4;
constexpr std::uint8_t kUserPresent = 1U << 0;
constexpr std::uint8_t kUserVerified = 1U << 2;
constexpr std::uint8_t kBackupEligible = 1U << 3;  // Level 3
constexpr std::uint8_t kBackedUp = 1U << 4;        // Level 3
constexpr std::uint8_t kKnownFlags = kUserPresent | kUserVerified | kBackupEligible | kBackedUp;

constexpr std::size_t kMaxOriginBytes = 300;

tl::unexpected<Error> refuse(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("assertion: {}", problem));
}

/// The counter. Attested credential data stands in no assertion, and we ask for no extension: the
/// length is fixed.
Result<std::uint32_t> check_authenticator_data(ByteView data, std::string_view rp_id) {
  if (data.size() != kDataBytes)
    return refuse(fmt::format("authenticator data has {} bytes; wanted {}", data.size(), kDataBytes));
  const auto wanted = sha256(as_bytes(rp_id));
  if (!std::equal(wanted.begin(), wanted.end(), data.begin()))
    return refuse(fmt::format("it was made for another relying party than {}", rp_id));
  const std::uint8_t flags = data[kHashBytes];
  if ((flags & kUserPresent) == 0) return refuse("nobody was present (UP)");
  if ((flags & kUserVerified) == 0) return refuse("the user was not verified (UV); wanted a PIN or a biometric");
  if ((flags & ~kKnownFlags) != 0 || ((flags & kBackedUp) != 0 && (flags & kBackupEligible) == 0))
    return refuse(fmt::format("flags 0x{:02x} are not those of an assertion without extensions", flags));
  std::uint32_t counter = 0;
  for (const std::uint8_t byte : data.subspan(kHashBytes + 1)) counter = counter << 8 | byte;
  return counter;
}

Result<> must_be(Fields& fields, std::string_view member, std::string_view wanted) {
  const std::string found = TRY(fields.text(member, kMaxOriginBytes));
  if (found == wanted) return {};
  return refuse(fmt::format("its {} is \"{}\"; wanted \"{}\"", member, log::printable(found, 80), wanted));
}

/// Section 5.8.1. Browsers add members at will ("other_keys_can_be_added_here"): unknown ones are let pass,
/// repeated ones are not.
Result<> check_client_data(ByteView client_data, const RelyingParty& party, std::string_view statement) {
  if (client_data.size() > kMaxClientDataBytes)
    return refuse(fmt::format("client data has {} bytes; wanted at most {}", client_data.size(), kMaxClientDataBytes));
  const Json json = TRY(parse_json(as_text(client_data), {.max_depth = 3, .max_members = 32, .max_values = 64}));
  Fields fields = TRY(Fields::of(json, "clientData."));
  TRY(must_be(fields, "type", "webauthn.get"));
  TRY(must_be(fields, "challenge", to_base64url(sha256(as_bytes(statement)))));
  TRY(must_be(fields, "origin", party.origin));
  // Made within a frame of somebody else's page: what the person saw around it is not known.
  if (TRY(fields.boolean_or("crossOrigin", false)) || fields.has("topOrigin")) return refuse("it was made in a frame");
  return {};
}

bool is_host(std::string_view name) {
  const auto canonical = x509::canonical_dns(name);
  return canonical && *canonical == name && !x509::is_wildcard(name);
}

bool is_port(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), digit);
}

/// Browsers offer WebAuthn in secure contexts only: https, and a machine that talks to itself.
bool is_origin_within(std::string_view origin, std::string_view rp_id) {
  const std::string_view scheme = rp_id == "localhost" && origin.starts_with("http://") ? "http://" : "https://";
  if (!origin.starts_with(scheme)) return false;
  std::string_view host = origin.substr(scheme.size());
  if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    if (!is_port(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  return is_host(host) && (host == rp_id || host.ends_with(fmt::format(".{}", rp_id)));
}

}  // namespace

Result<> check_relying_party(const RelyingParty& party) {
  if (!is_host(party.rp_id))
    return fail(Code::bad_request,
                fmt::format("rp_id \"{}\" is not a DNS name in lower case", log::printable(party.rp_id, 80)));
  if (is_origin_within(party.origin, party.rp_id)) return {};
  return fail(Code::bad_request, fmt::format("origin \"{}\" is not https://HOST or https://HOST:PORT with a host that "
                                             "is {} or below it",
                                             log::printable(party.origin, 80), party.rp_id));
}

Result<std::uint32_t> verify(const Assertion& assertion, const RelyingParty& party, EVP_PKEY* key,
                             std::string_view statement) {
  const std::uint32_t counter = TRY(check_authenticator_data(assertion.authenticator_data, party.rp_id));
  TRY(check_client_data(assertion.client_data, party, statement));
  // Section 7.2, step 20: authenticatorData || SHA-256(clientDataJSON).
  Bytes message = assertion.authenticator_data;
  const auto hash = sha256(assertion.client_data);
  message.insert(message.end(), hash.begin(), hash.end());
  if (!verify_with_approver_key(key, message, assertion.signature))
    return refuse("its signature is not that of this approver's key");
  return counter;
}

}  // namespace hubseal::daemon::webauthn
