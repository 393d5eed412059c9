// CSRs. Input that begins with 0 is the DER as it is; any other is subject and attributes of a CSR that is
// signed here, because a fuzzer cannot sign: byte 1 is the subject's size. The first bit of byte 0: the participant is
// registered. What is prepared is what the profile is meant to give, and says nothing that is not registered.
#include "common/x509/der.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shipped.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/software_signer.h"

using namespace hubseal;

namespace {

const char* const kProfiles[] = {"dfsp-client", "dfsp-server", "hub-server", "jws"};

Bytes signed_csr(ByteView subject, ByteView attributes) {
  static const PkeyPtr key = test::make_key(KeyType::ec_p256);
  static const Bytes spki = spki_of(key.get()).value();
  const Bytes version = {0x02, 0x01, 0x00};
  const Bytes info = x509::der_value(0x30, {version, subject, spki, attributes});
  const Bytes raw = test::sign_with(key.get(), SignatureAlgorithm::ecdsa_sha256, info);
  const Bytes algorithm = from_hex("300a06082a8648ce3d040302").value();
  return x509::close_shell(info, algorithm, ecdsa_raw_to_der(raw).value());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const test::TestCa ca(KeyType::ec_p256);
  if (size < 2) return 0;
  const ByteView rest(data + 2, size - 2);
  const std::size_t split = std::min<std::size_t>(data[1], rest.size());
  const auto csr = x509::Csr::parse_der(data[0] == 0 ? Bytes(data + 1, data + size)
                                                     : signed_csr(rest.first(split), rest.subspan(split)));
  if (!csr) return 0;
  MUST_HOLD(x509::Csr::parse(csr->to_pem()).has_value());
  (void)csr->requested_extensions();
  const auto& profile = test::profile(kProfiles[data[0] % std::size(kProfiles)]);
  static const ca::Participant kBank{.id = "bank1",
                                     .organization = "Bank One",
                                     .country = "KE",
                                     .names = {{{ca::NameKind::cn, "bank1.example"},
                                                {ca::NameKind::dns, "bank1.example"},
                                                {ca::NameKind::dns, "a.example"},
                                                {ca::NameKind::ip, "192.0.2.1"}}}};
  const ca::Participant participant = data[0] & 0x80 ? kBank : test::anyone();
  const auto prepared =
      ca::prepare_certificate(*ca.issuer, {profile, *csr, participant, "hub-ca", ca::new_serial().value(), test::kNow});
  // "internal" is the lint: the builder made what the profile does not allow.
  if (!prepared) MUST_HOLD(prepared.error().code != Code::internal);
  if (!prepared) return 0;
  const auto certificate = ca.finish(*prepared);
  MUST_HOLD(certificate && test::is_as_shipped(*certificate, profile.name, csr->spki()));
  const auto subject = certificate->subject_name();
  const auto names = certificate->names();
  MUST_HOLD(subject && names);
  MUST_HOLD(!ca::beyond_register(participant, *subject, ca::claims_of(*subject, *names)));
  return 0;
}
