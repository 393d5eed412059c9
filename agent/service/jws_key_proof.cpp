#include "agent/service/jws_key_proof.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/jose/fspiop_signature.h"
#include "common/json.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

tl::unexpected<Error> refuse(std::string_view member, std::string_view why) {
  return fail(Code::policy_denied, fmt::format("{}: {}", member, why));
}

struct Parts {
  std::string_view header, payload, signature;
};

Result<Parts> split(std::string_view member, std::string_view proof) {
  const std::size_t first = proof.find('.');
  const std::size_t last = proof.rfind('.');
  if (first == last || proof.find('.', first + 1) != last)
    return refuse(member, "it is not three parts with a dot between; wanted a JWS in compact form");
  return Parts{proof.substr(0, first), proof.substr(first + 1, last - first - 1), proof.substr(last + 1)};
}

/// One of the list, that such a key can have made. `typ`, `cty` and `kid` are the sender's word, and nothing depends on
/// them; with any other member this would be a JWS for another purpose.
Result<SignatureAlgorithm> algorithm_of(std::string_view member, std::string_view header, KeyType type) {
  const auto bytes = from_base64url(header);
  const auto json = bytes ? parse_json(as_text(*bytes)) : tl::unexpected(bytes.error());
  if (!json || !json->is_object()) return refuse(member, "its header is not base64url of an object of JSON");
  for (const auto& [name, value] : json->items())
    if (name != "alg" && name != "typ" && name != "cty" && name != "kid")
      return refuse(member,
                    fmt::format("\"{}\" may not stand in its header; wanted \"alg\" alone", log::printable(name, 64)));
  const auto found = json->find("alg");
  const std::string name = found != json->end() && found->is_string() ? found->get<std::string>() : "";
  for (const auto& [known, algorithm] : jose::kFspiopAlgorithms)
    if (known == name && fits(jose::signature_algorithm(algorithm), type)) return jose::signature_algorithm(algorithm);
  return refuse(member, fmt::format("its \"alg\" is \"{}\", and the key is {}; wanted RS256, RS384 or RS512 of an RSA "
                                    "key, ES256 of one on P-256",
                                    log::printable(name, 32), to_string(type)));
}

}  // namespace

std::string to_text(const PossessionStatement& statement) {
  return fmt::format("hubseal-jws-key/v1\nhub: {}\ndfsp: {}\nkey: {}\nnonce: {}\n", statement.hub_id, statement.dfsp_id,
                     to_string(statement.key), statement.nonce);
}

Result<> check_proof(std::string_view member, std::string_view proof, EVP_PKEY* key,
                     const PossessionStatement& statement) {
  const auto type = key_type_of(key);
  if (!type) return refuse(member, type.error().message);
  const Parts parts = TRY(split(member, proof));
  const SignatureAlgorithm algorithm = TRY(algorithm_of(member, parts.header, *type));
  const std::string wanted = to_text(statement);
  if (parts.payload != to_base64url(as_bytes(wanted)))
    return refuse(member, fmt::format("another text was signed; wanted these five lines, each with its line feed, as "
                                      "payload: {}",
                                      log::printable(wanted, 512)));
  const auto signature = from_base64url(parts.signature);
  const std::string_view input = proof.substr(0, parts.header.size() + 1 + parts.payload.size());
  if (!signature || !verify_signature(key, algorithm, as_bytes(input), *signature))
    return refuse(member, "the signature was not made with this key over this header and text");
  return {};
}

}  // namespace hubseal::agent
