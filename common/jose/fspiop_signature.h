/// `FSPIOP-Signature`: how a Mojaloop message is signed and checked (API Signature 1.1; RFC 7515 with the HTTP body
/// as a detached payload). What is made here and what is accepted here are the same rules, in one place.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json.h"
#include "common/key_types.h"

namespace hubseal::jose {

/// What a message may have at most.
constexpr std::size_t kMaxFspiopUri = 2048;    ///< bytes, as all values
constexpr std::size_t kMaxFspiopValue = 1024;  ///< of any other header that is signed
constexpr std::size_t kMaxFspiopOthers = 16;   ///< headers beyond those that the API names

/// Names and values of an HTTP request's header. Names in any case, each once where it is signed.
using HttpHeader = std::vector<std::pair<std::string, std::string>>;
/// Whether two names are one header (RFC 9110 section 5.1: case does not count).
bool same_header(std::string_view one, std::string_view other);
/// Whether a name has a meaning to whoever reads a JWS (RFC 7515 section 4.1, RFC 7516, RFC 7797), in any case.
bool is_jose_parameter(std::string_view name);

/// What a protected header says of a message (JWS-2). Values as in HTTP, byte for byte.
struct FspiopMessage {
  std::string method;  ///< upper case
  std::string uri;     ///< path and query from the resource's name on: "/quotes/7c23e80c-d078-4077-8263-2c047876fcf6"
  std::string source;  ///< FSP id of who sends
  std::string destination;  ///< "" where it is not known
  std::string date;         ///< "" where it is not signed
  HttpHeader others;        ///< further headers to be signed
};

/// A request as it came.
struct SignedRequest {
  std::string method;  ///< of the request line
  std::string target;  ///< of the request line: path and query, whatever stands before the resource's name included
  HttpHeader headers;
  std::string_view body;  ///< the bytes that came, before anybody parsed them; the caller's
};

/// RFC 7518 section 3.1: the algorithms of JWS-2, and the kind of key that goes with each.
enum class FspiopAlgorithm { rs256, rs384, rs512, es256 };
constexpr std::array<std::pair<std::string_view, FspiopAlgorithm>, 4> kFspiopAlgorithms = {{
    {"RS256", FspiopAlgorithm::rs256},
    {"RS384", FspiopAlgorithm::rs384},
    {"RS512", FspiopAlgorithm::rs512},
    {"ES256", FspiopAlgorithm::es256},
}};
std::string_view to_string(FspiopAlgorithm algorithm);
SignatureAlgorithm signature_algorithm(FspiopAlgorithm algorithm);

/// Whether a key of this kind may sign messages (JWS-2): RSA of 2048 or 3072 bits, P-256. The field `signature` holds
/// 512 characters, which a 4096-bit signature exceeds. Errors: bad_request, with that reason.
Result<> check_fspiop_key(KeyType type);
/// The kind of such a key. Errors: bad_request, likewise.
Result<KeyType> fspiop_key_type(const EVP_PKEY* key);

/// The value of `FSPIOP-URI` for the URI that a request goes to (JWS-3): scheme, authority and whatever path stands
/// before the first segment that names a resource of the API are left away. Errors: bad_request: no such segment, a
/// fragment, dot segments (encoded ones as well), characters that no URI holds, over kMaxFspiopUri.
Result<std::string> fspiop_uri(std::string_view uri);

/// The protected header, as JSON; its base64url is what is signed, with '.' and the body's behind it.
/// Errors: bad_request: a value that no HTTP header can carry; among `others` a name that stands there already, that the
/// API has another place for, or that is one of JOSE's.
Result<std::string> protected_header(FspiopAlgorithm algorithm, const FspiopMessage& message);

/// base64url of `protected_header`, a '.', base64url of `body`: what the key signs (RFC 7515 section 5.1).
std::string signing_input(std::string_view protected_header, std::string_view body);

/// The value of the HTTP header `FSPIOP-Signature` (JWS-1).
std::string signature_header(std::string_view protected_header, ByteView signature);

/// Whether `request` was signed with the private half of `key`, every rule of JWS-5. Answers what the protected header
/// says, strings all of them; `typ`, `cty` and `kid` are the sender's word alone. Never takes a key, or where to find
/// one, from the message. Errors: bad_request, naming the HTTP header that fails, what was found and what was wanted.
Result<Json> verify_fspiop(const SignedRequest& request, EVP_PKEY* key);

}  // namespace hubseal::jose
