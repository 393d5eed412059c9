// What is signed of a message, and how it travels.
#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/jose/fspiop_signature.h"
#include "common/log.h"

namespace hubseal::jose {
namespace {

// The resources of the FSPIOP API (API Definition 2.0 chapter 6), of third-party services and of the switch's own
// `ping`. A resource that is new there is new here: what is no message of this API is not signed as one.
constexpr std::array<std::string_view, 17> kResources = {
    "accounts",     "authorizations", "bulkQuotes",  "bulkTransfers",      "consentRequests",
    "consents",     "fxQuotes",       "fxTransfers", "participants",       "parties",
    "ping",         "quotes",         "services",    "thirdpartyRequests", "transactionRequests",
    "transactions", "transfers"};

bool is_resource(std::string_view segment) {
  return std::find(kResources.begin(), kResources.end(), segment) != kResources.end();
}

/// RFC 3986 appendix A: what stands in a path or a query.
bool is_uri_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-._~!$&'()*+,;=:@/?%").find(c) != std::string_view::npos;
}

/// What its octets stand for (RFC 3986 section 2.1). Nothing: a '%' that begins none.
std::optional<std::string> decoded(std::string_view uri) {
  std::string text;
  for (std::size_t i = 0; i < uri.size(); ++i) {
    if (uri[i] != '%') {
      text += uri[i];
      continue;
    }
    const auto octet = from_hex(uri.substr(i + 1, 2));
    if (!octet || octet->size() != 1) return std::nullopt;
    text += as_text(*octet);
    i += 2;
  }
  return text;
}

/// Whether a receiver may read this path as another: servers and URL libraries decode it, take a backslash for a slash
/// and cut parameters off before they look for dot segments. What was signed for /quotes/ would be good for
/// /transfers/.
bool has_dot_segment(std::string_view decoded_path) {
  for (;;) {
    const std::size_t end = std::min(decoded_path.find_first_of("/\\"), decoded_path.size());
    const std::string_view segment = decoded_path.substr(0, end);
    if (const auto name = segment.substr(0, segment.find(';')); name == "." || name == "..") return true;
    if (end == decoded_path.size()) return false;
    decoded_path.remove_prefix(end + 1);
  }
}

/// RFC 9110 section 5.5, without obsolete text: what a receiver's HTTP library leaves as it is.
bool is_header_value(std::string_view value) {
  return !value.empty() && value.front() != ' ' && value.back() != ' ' &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

/// RFC 9110 section 5.6.2.
bool is_header_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

Result<> add(Json& header, std::string_view name, const std::string& value, std::size_t max = kMaxFspiopValue) {
  if (!is_header_value(value) || value.size() > max)
    return fail(
        Code::bad_request,
        fmt::format("the value of {} is \"{}\"; wanted 1 to {} printable ASCII characters without white space around "
                    "them, as an HTTP header carries them",
                    name, log::printable(value, 64), max));
  header.emplace(std::string(name), value);
  return {};
}

Result<> add_others(Json& header, const HttpHeader& others) {
  if (others.size() > kMaxFspiopOthers)
    return fail(Code::bad_request,
                fmt::format("{} further headers; wanted at most {}", others.size(), kMaxFspiopOthers));
  for (const auto& [name, value] : others) {
    // Verifiers look for these under the API's own spelling, and the signature cannot sign itself.
    for (const std::string_view own : {"FSPIOP-Destination", "FSPIOP-Signature", "Date"})
      if (same_header(own, name))
        return fail(Code::bad_request,
                    fmt::format("{} cannot be signed as a further header: it has a place of its own", own));
    if (!is_header_name(name) || is_jose_parameter(name))
      return fail(Code::bad_request,
                  fmt::format("\"{}\" cannot be signed as a header; wanted the name of an HTTP header that "
                              "is none of JOSE's own",
                              log::printable(name, 64)));
    for (const auto& [there, unused] : header.items())
      if (same_header(there, name))
        return fail(Code::bad_request, fmt::format("the header {} stands there twice", log::printable(name, 64)));
    TRY(add(header, name, value));
  }
  return {};
}

tl::unexpected<Error> unfit_key(std::string_view found) {
  return fail(
      Code::bad_request,
      fmt::format(
          "the key cannot sign messages: {}; wanted rsa_2048, rsa_3072 or ec_p256, because a signature has at "
          "most 512 characters, and RS256, RS384, RS512 and ES256 are what receivers accept (API Signature 1.1)",
          found));
}

}  // namespace

std::string_view to_string(FspiopAlgorithm algorithm) {
  return kFspiopAlgorithms[static_cast<std::size_t>(algorithm)].first;
}

SignatureAlgorithm signature_algorithm(FspiopAlgorithm algorithm) {
  switch (algorithm) {
    case FspiopAlgorithm::rs256: return SignatureAlgorithm::rsa_pkcs1_sha256;
    case FspiopAlgorithm::rs384: return SignatureAlgorithm::rsa_pkcs1_sha384;
    case FspiopAlgorithm::rs512: return SignatureAlgorithm::rsa_pkcs1_sha512;
    case FspiopAlgorithm::es256: return SignatureAlgorithm::ecdsa_sha256;
  }
  return SignatureAlgorithm::rsa_pkcs1_sha256;
}

Result<KeyType> fspiop_key_type(const EVP_PKEY* key) {
  const auto type = key_type_of(key);
  if (!type) return unfit_key(type.error().message);
  TRY(check_fspiop_key(*type));
  return type;
}

Result<> check_fspiop_key(KeyType type) {
  if (type == KeyType::rsa_2048 || type == KeyType::rsa_3072 || type == KeyType::ec_p256) return {};
  return unfit_key(to_string(type));
}

Result<std::string> fspiop_uri(std::string_view uri) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::bad_request, fmt::format("the URI \"{}\" {}", log::printable(uri, 128), why));
  };
  if (uri.size() > kMaxFspiopUri)
    return refuse(fmt::format("has {} bytes; wanted at most {}", uri.size(), kMaxFspiopUri));
  if (!std::all_of(uri.begin(), uri.end(), is_uri_byte))
    return refuse("holds what no URI holds, or a fragment; wanted a path and a query of RFC 3986");
  if (!decoded(uri)) return refuse("has a % without the two digits of an octet; wanted %25 where it is meant");
  std::string_view rest = uri;
  if (const auto scheme = rest.find("://"); scheme != std::string_view::npos && scheme < rest.find('/')) {
    rest.remove_prefix(scheme + 3);
    rest.remove_prefix(std::min(rest.find_first_of("/?"), rest.size()));
  }
  const std::string_view path = rest.substr(0, rest.find('?'));
  if (has_dot_segment(*decoded(path)))
    return refuse("has a dot segment, be it encoded; wanted a path that means what it says");
  std::size_t resource = std::string_view::npos;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;) {
    const std::size_t next = path.find('/', slash + 1);
    const std::string_view segment = path.substr(slash + 1, next == std::string_view::npos ? next : next - slash - 1);
    if (resource == std::string_view::npos && is_resource(segment)) resource = slash;
    slash = next;
  }
  if (resource == std::string_view::npos)
    return refuse(
        fmt::format("names no resource of the FSPIOP API; wanted a path with one of: {}", fmt::join(kResources, ", ")));
  return std::string(rest.substr(resource));
}

Result<std::string> protected_header(FspiopAlgorithm algorithm, const FspiopMessage& message) {
  Json header = {{"alg", to_string(algorithm)}};
  TRY(add(header, "FSPIOP-URI", message.uri, kMaxFspiopUri));
  TRY(add(header, "FSPIOP-HTTP-Method", message.method));
  TRY(add(header, "FSPIOP-Source", message.source));
  if (!message.destination.empty()) TRY(add(header, "FSPIOP-Destination", message.destination));
  if (!message.date.empty()) TRY(add(header, "Date", message.date));
  TRY(add_others(header, message.others));
  return dump_json(header);
}

std::string signing_input(std::string_view protected_header, std::string_view body) {
  std::string input = to_base64url(as_bytes(protected_header)) + '.';
  return input += to_base64url(as_bytes(body));
}

std::string signature_header(std::string_view protected_header, ByteView signature) {
  return dump_json(
      {{"signature", to_base64url(signature)}, {"protectedHeader", to_base64url(as_bytes(protected_header))}});
}

bool same_header(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](char a, char b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(a) == lower(b);
  });
}

bool is_jose_parameter(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kNames = {"alg", "jku", "jwk",      "kid", "x5u",  "x5c", "x5t",
                                                              "typ", "cty", "x5t#s256", "b64", "crit", "enc", "zip"};
  return std::any_of(kNames.begin(), kNames.end(), [&](std::string_view known) { return same_header(known, name); });
}

}  // namespace hubseal::jose
