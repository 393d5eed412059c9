#include "tests/unit/agent/token_support.h"

#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/jose/jwk.h"
#include "common/key_types.h"

namespace hubseal::agent::test {

TokenKey::TokenKey(std::string name, bool ec)
    : kid(std::move(name)), algorithm(ec ? "ES256" : "RS256"), key(ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048)) {}

Json TokenKey::jwk() const {
  Json jwk = jose::to_jwk(key.get()).value();
  jwk["kid"] = kid;
  return jwk;
}

std::string TokenKey::sign(const Json& header, const Json& claims) const {
  const std::string text = to_base64url(as_bytes(dump_json(header))) + "." + to_base64url(as_bytes(dump_json(claims)));
  const MdContextPtr context(EVP_MD_CTX_new());
  Bytes signature(1024);
  std::size_t size = signature.size();
  const ByteView message = as_bytes(text);
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1)
    throw std::runtime_error(drain_openssl_errors());
  signature.resize(size);
  return text + "." + to_base64url(algorithm == "ES256" ? ecdsa_der_to_raw(signature, 32).value() : signature);
}

std::string TokenKey::sign(const Json& claims) const {
  return sign({{"alg", algorithm}, {"typ", "JWT"}, {"kid", kid}}, claims);
}

Result<auth::JwkSet> set_of(const std::vector<const TokenKey*>& keys) {
  Json list = Json::array();
  for (const TokenKey* key : keys) list.push_back(key->jwk());
  return auth::JwkSet::parse(dump_json({{"keys", list}}));
}

}  // namespace hubseal::agent::test
