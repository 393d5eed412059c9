// CRLs of a CA that is taken over. Input that begins with 0 is PEM; anything else is followed by a TBSCertList, which
// is signed here, because a fuzzer cannot sign: whoever once had the CA's key wrote it. What is read can be published
// again, entry by entry, or the CA would never have a list of its own.
#include "daemon/ca/read_crl.h"

#include "common/key_types.h"
#include "common/x509/der.h"
#include "common/x509/pem.h"
#include "daemon/ca/assemble.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/software_signer.h"

using namespace hubseal;

namespace {

constexpr auto kAlgorithm = SignatureAlgorithm::ecdsa_sha256;

std::string signed_list(const test::TestCa& ca, ByteView tbs) {
  const Bytes signature = ecdsa_raw_to_der(test::sign_with(ca.key.get(), kAlgorithm, tbs)).value();
  return x509::pem_of_der(x509::close_shell(tbs, ca::algorithm_identifier(kAlgorithm).value(), signature), "X509 CRL");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const test::TestCa ca{KeyType::ec_p256};
  if (size < 1) return 0;
  const std::string pem =
      data[0] == 0 ? std::string(text_of(data + 1, size - 1)) : signed_list(ca, {data + 1, size - 1});
  const auto read = ca::read_crl(pem, *ca.issuer, test::kNow);
  MUST_HOLD(read || !read.error().message.empty());
  if (!read) return 0;
  MUST_HOLD(read->number >= 0 && read->this_update <= test::kNow);
  const ca::CrlDraft next{*ca.issuer,   kAlgorithm, read->number + 1, test::kNow, test::kNow + std::chrono::hours(48),
                          read->entries};
  const auto tbs = ca::build_crl_tbs(next);
  MUST_HOLD(tbs.has_value());
  MUST_HOLD(ca::close_crl(next, *tbs, test::sign_with(ca.key.get(), kAlgorithm, *tbs)).has_value());
  return 0;
}
