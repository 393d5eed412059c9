// OCSP requests. What decodes is answered: good, unknown or revoked by its serial's last bits. Each response must be
// one that libcrypto takes for ours, whatever was asked.
#include "daemon/ca/ocsp.h"

#include <openssl/ocsp.h>

#include "daemon/ca/prepare_own.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/software_signer.h"

using namespace hubseal;

namespace {

struct Responder {
  PkeyPtr key = test::make_key(KeyType::ec_p256);
  test::TestCa ca{KeyType::ec_p256};
  x509::Certificate certificate = certify();

  x509::Certificate certify() const {
    const Bytes spki = spki_of(key.get()).value();
    const auto& profile = test::profile("ocsp-responder");
    const x509::Serial serial = ca::new_serial().value();
    return ca.finish(ca::prepare_responder(*ca.issuer, {profile, spki, serial, test::kNow}).value()).value();
  }
};

/// The same question about a certificate of our CA: hubseald answers no other, and libcrypto takes no answer about
/// others.
Bytes id_under(const x509::Certificate& issuer, const ca::OcspCertId& asked) {
  const Bytes& magnitude = asked.serial.magnitude();
  const std::unique_ptr<BIGNUM, Deleter<BN_free>> number(
      BN_bin2bn(magnitude.data(), static_cast<int>(magnitude.size()), nullptr));
  const std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>> serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  const std::unique_ptr<OCSP_CERTID, Deleter<OCSP_CERTID_free>> id(OCSP_cert_id_new(
      asked.hash, X509_get_subject_name(issuer.openssl()), X509_get0_pubkey_bitstr(issuer.openssl()), serial.get()));
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_CERTID(id.get(), &der);
  Bytes encoded(der, der + size);
  OPENSSL_free(der);
  return encoded;
}

ca::OcspAnswer answer_to(const ca::OcspCertId& id, const x509::Certificate& issuer) {
  const unsigned last = id.serial.magnitude().back();
  ca::OcspAnswer answer{.id = id_under(issuer, id), .known = last % 4 != 0};
  if (last % 4 == 1)
    answer.revoked = ca::RevokedEntry{
        id.serial, test::kNow, last & 4 ? ca::RevocationReason::certificate_hold : ca::RevocationReason::unspecified};
  return answer;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Responder responder;
  const auto request = ca::parse_ocsp_request({data, size});
  if (!request) return 0;
  MUST_HOLD(!request->ids.empty() && request->ids.size() <= ca::kMaxOcspIds);
  MUST_HOLD(request->nonce.size() <= ca::kMaxOcspNonce);
  std::vector<ca::OcspAnswer> answers;
  for (const ca::OcspCertId& id : request->ids) {
    (void)ca::names_issuer(id, responder.ca.issuer->certificate());
    answers.push_back(answer_to(id, responder.ca.issuer->certificate()));
  }
  const ca::OcspDraft draft{responder.certificate,
                            *responder.ca.issuer,
                            SignatureAlgorithm::ecdsa_sha256,
                            test::kNow,
                            test::kNow + std::chrono::minutes(5),
                            answers,
                            request->nonce};
  const auto tbs = ca::build_ocsp_tbs(draft);
  MUST_HOLD(tbs.has_value());
  MUST_HOLD(ca::close_ocsp(draft, *tbs, test::sign_with(responder.key.get(), draft.algorithm, *tbs)).has_value());
  return 0;
}
