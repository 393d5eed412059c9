#include "agent/service/public_key.h"

#include "agent/service/pem.h"
#include "common/x509/public_key.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kPkcs1 = "RSA PUBLIC KEY";

}  // namespace

Result<PkeyPtr> parse_public_key(std::string_view pem) {
  if (pem.find(kPkcs1) == std::string_view::npos)
    return x509::public_key_from_spki(TRY(der_of_block(pem, "PUBLIC KEY", "public key")));
  const Bytes der = TRY(der_of_block(pem, kPkcs1, "public key"));
  const unsigned char* position = der.data();
  PkeyPtr key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &position, static_cast<long>(der.size())));
  drain_openssl_errors();
  if (!key || position != der.data() + der.size())
    return fail(Code::bad_request, "Invalid public key: what stands in the PEM block is not an RSA public key");
  return key;
}

}  // namespace hubseal::agent
