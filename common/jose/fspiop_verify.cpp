// A message that came: is it what its source has signed? (JWS-5)
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/jose/fspiop_signature.h"
#include "common/log.h"

namespace hubseal::jose {
namespace {

constexpr std::size_t kMaxSignature = 512;        // characters (API Signature 1.1, section 4.2)
constexpr std::size_t kMaxProtected = 64 * 1024;  // characters: more than is ever signed here

tl::unexpected<Error> refuse(std::string_view header, std::string_view why) {
  return fail(Code::bad_request, fmt::format("{}: {}", log::printable(header, 64), why));
}

/// The value of a header that stands there once; null where it does not stand there at all.
Result<const std::string*> only_value(const HttpHeader& headers, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [there, value] : headers) {
    if (!same_header(there, name)) continue;
    // Which of two a receiver reads is not said anywhere.
    if (found) return refuse(name, "the request has this header twice; wanted one");
    found = &value;
  }
  return found;
}

/// The two members of `FSPIOP-Signature`, and nothing else.
struct Parts {
  std::string protected_base64;
  Json protected_header;
  Bytes signature;
};

Result<std::string> member(const Json& object, std::string_view name, std::size_t max) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string())
    return refuse(
        "FSPIOP-Signature",
        fmt::format("it has no \"{}\" that is a string; wanted {{\"signature\", \"protectedHeader\"}}", name));
  auto text = found->get<std::string>();
  if (text.empty() || text.size() > max)
    return refuse("FSPIOP-Signature", fmt::format("\"{}\" has {} characters; wanted 1 to {}", name, text.size(), max));
  return text;
}

Result<Parts> take_apart(const std::string& value) {
  const auto object = parse_json(value);
  if (!object || !object->is_object() || object->size() != 2)
    return refuse("FSPIOP-Signature",
                  fmt::format("it is no JSON object with \"signature\" and \"protectedHeader\" alone{}",
                              object ? "" : " (" + object.error().message + ")"));
  Parts parts;
  const std::string signature = TRY(member(*object, "signature", kMaxSignature));
  parts.protected_base64 = TRY(member(*object, "protectedHeader", kMaxProtected));
  const auto signature_bytes = from_base64url(signature);
  if (!signature_bytes) return refuse("FSPIOP-Signature", "\"signature\" is not base64url without padding");
  parts.signature = *signature_bytes;
  const auto header_bytes = from_base64url(parts.protected_base64);
  if (!header_bytes) return refuse("FSPIOP-Signature", "\"protectedHeader\" is not base64url without padding");
  auto header = parse_json(as_text(*header_bytes));
  if (!header || !header->is_object())
    return refuse("FSPIOP-Signature", fmt::format("\"protectedHeader\" is no JSON object{}",
                                                  header ? "" : " (" + header.error().message + ")"));
  parts.protected_header = std::move(*header);
  return parts;
}

Result<std::string> protected_text(const Json& header, const char* name) {
  const auto found = header.find(name);
  if (found == header.end()) return refuse(name, "it is not in the protected header; wanted it signed");
  if (!found->is_string() || found->get_ref<const std::string&>().empty())
    return refuse(name, "in the protected header it is no string with something in it");
  return found->get<std::string>();
}

/// One of the list, and one that such a key can have made: what the message says never chooses how a key is used.
Result<SignatureAlgorithm> algorithm_of(const Json& header, KeyType type) {
  const std::string name = TRY(protected_text(header, "alg"));
  for (const auto& [known, algorithm] : kFspiopAlgorithms) {
    if (known != name) continue;
    if (fits(signature_algorithm(algorithm), type)) return signature_algorithm(algorithm);
    return refuse("alg", fmt::format("it is {}, and the key of the source is {}", name, to_string(type)));
  }
  return refuse("alg", fmt::format("it is \"{}\"; wanted RS256, RS384, RS512 or ES256", log::printable(name, 32)));
}

/// `typ`, `cty` and `kid` say nothing that is used here. What would have a say is refused: extensions that must be
/// understood (RFC 7515 section 4.1.11), a payload in another encoding (RFC 7797), a key that the sender chose.
bool says_nothing(const std::string& name) { return name == "alg" || name == "typ" || name == "cty" || name == "kid"; }

Result<> compare(const Json& header, const HttpHeader& headers) {
  for (const auto& [name, value] : header.items()) {
    const bool unused = says_nothing(name);
    if (!unused && is_jose_parameter(name))
      return refuse(name, "it may not stand in the protected header of a message");
    if (!value.is_string()) return refuse(name, "in the protected header it is no string");
    if (unused) continue;
    const std::string* const sent = TRY(only_value(headers, name));
    if (!sent) return refuse(name, "it is in the protected header, and the request has no such header");
    if (value.get_ref<const std::string&>() != *sent)
      return refuse(name, fmt::format("the request says \"{}\", and \"{}\" was signed", log::printable(*sent, 128),
                                      log::printable(value.get_ref<const std::string&>(), 128)));
  }
  return {};
}

/// The request itself, and not only the headers that describe it: those come from whoever sent it.
Result<> compare_request_line(const SignedRequest& request, const std::string& method, const std::string& uri) {
  if (request.method != method)
    return refuse("FSPIOP-HTTP-Method", fmt::format("the request is a {}, and {} was signed",
                                                    log::printable(request.method, 32), log::printable(method, 32)));
  const auto target = fspiop_uri(request.target);
  if (!target) return refuse("FSPIOP-URI", target.error().message);
  if (*target != uri)
    return refuse("FSPIOP-URI", fmt::format("the request goes to \"{}\", and \"{}\" was signed",
                                            log::printable(*target, 128), log::printable(uri, 128)));
  return {};
}

}  // namespace

Result<Json> verify_fspiop(const SignedRequest& request, EVP_PKEY* key) {
  const KeyType type = TRY(fspiop_key_type(key));
  const std::string* const value = TRY(only_value(request.headers, "FSPIOP-Signature"));
  if (!value) return refuse("FSPIOP-Signature", "the request has no such header");
  const Parts parts = TRY(take_apart(*value));
  const Json& header = parts.protected_header;
  const SignatureAlgorithm algorithm = TRY(algorithm_of(header, type));
  // First whether it was signed at all: what is compared then is the source's word.
  const std::string input = parts.protected_base64 + '.' + to_base64url(as_bytes(request.body));
  if (!verify_signature(key, algorithm, as_bytes(input), parts.signature))
    return refuse("FSPIOP-Signature", "the signature does not fit this body, this protected header and this key");

  const std::string uri = TRY(protected_text(header, "FSPIOP-URI"));
  const std::string method = TRY(protected_text(header, "FSPIOP-HTTP-Method"));
  TRY(protected_text(header, "FSPIOP-Source"));
  TRY(compare(header, request.headers));
  const std::string* const destination = TRY(only_value(request.headers, "FSPIOP-Destination"));
  if (destination && !header.contains("FSPIOP-Destination"))
    return refuse("FSPIOP-Destination", "the request has it, and it was not signed");
  TRY(compare_request_line(request, method, uri));
  return header;
}

}  // namespace hubseal::jose
