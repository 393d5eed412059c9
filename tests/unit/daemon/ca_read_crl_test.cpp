// Lists that were signed elsewhere: made by libcrypto, and judged by what hubseald would make of them.
#include "daemon/ca/read_crl.h"

#include <openssl/x509v3.h>

#include <functional>

#include <boost/test/unit_test.hpp>

#include "common/x509/pem.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"

using namespace hubseal;
using test::must;

namespace {

using CrlPtr = std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>>;
using Change = std::function<void(X509_CRL*)>;

IntegerPtr integer(long value) {
  IntegerPtr made(ASN1_INTEGER_new());
  ASN1_INTEGER_set(made.get(), value);
  return made;
}

struct Fixture {
  test::TestCa ca{KeyType::ec_p256};

  /// An empty list of this CA's with number 7, signed once `change` is done with it.
  std::string list(const Change& change = [](X509_CRL*) {}) const {
    const CrlPtr crl(X509_CRL_new());
    X509_CRL_set_version(crl.get(), 1);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(ca.issuer->certificate().openssl()));
    set_date(X509_CRL_set1_lastUpdate, crl.get(), "20261101000000Z");
    set_date(X509_CRL_set1_nextUpdate, crl.get(), "20261103000000Z");  // over by now: it is the last one
    X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, integer(7).get(), 0, 0);
    change(crl.get());
    X509_CRL_sign(crl.get(), ca.key.get(), EVP_sha256());
    unsigned char* der = nullptr;
    const int size = i2d_X509_CRL(crl.get(), &der);
    std::string pem = x509::pem_of_der({der, static_cast<std::size_t>(size)}, "X509 CRL");
    OPENSSL_free(der);
    return pem;
  }

  template <class Owner, class Time>
  static void set_date(int (*set)(Owner*, Time*), Owner* owner, const char* date) {
    const std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>> time(ASN1_TIME_new());
    ASN1_TIME_set_string_X509(time.get(), date);
    set(owner, time.get());
  }

  static void add(X509_CRL* crl, long serial, long reason = 0, const char* date = "20261031120000Z", int critical = 0) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, integer(serial).get());
    set_date(X509_REVOKED_set_revocationDate, entry, date);
    const std::unique_ptr<ASN1_ENUMERATED, Deleter<ASN1_ENUMERATED_free>> code(ASN1_ENUMERATED_new());
    ASN1_ENUMERATED_set(code.get(), reason);
    if (reason != 0) X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code.get(), critical, 0);
    X509_CRL_add0_revoked(crl, entry);
  }

  Result<ca::ReadCrl> read(const std::string& pem) const { return ca::read_crl(pem, *ca.issuer, test::kNow); }

  void refused(const std::string& pem, Code code, const std::string& words) const {
    const auto done = read(pem);
    BOOST_REQUIRE_MESSAGE(!done, "taken, though: " << words);
    BOOST_TEST((done.error().code == code), done.error().message);
    BOOST_TEST(done.error().message.find(words) != std::string::npos,
               done.error().message << " does not say: " << words);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ca_read_crl, Fixture)

BOOST_AUTO_TEST_CASE(what_was_revoked_elsewhere_is_read_with_its_dates_and_reasons) {
  const auto crl = must(read(list([](X509_CRL* made) {
    add(made, 1);
    add(made, 2, CRL_REASON_KEY_COMPROMISE);
    add(made, 3, CRL_REASON_CERTIFICATE_HOLD);
    add(made, 4, CRL_REASON_CA_COMPROMISE);
    add(made, 5, CRL_REASON_AA_COMPROMISE);
  })));
  BOOST_TEST(crl.number == 7);
  BOOST_TEST(format_utc(crl.this_update) == "2026-11-01T00:00:00Z");
  const std::vector<ca::RevocationReason> reasons = {
      ca::RevocationReason::unspecified, ca::RevocationReason::key_compromise, ca::RevocationReason::certificate_hold,
      ca::RevocationReason::key_compromise, ca::RevocationReason::privilege_withdrawn};
  BOOST_REQUIRE(crl.entries.size() == reasons.size());
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    BOOST_TEST((crl.entries[i].reason == reasons[i]));
    BOOST_TEST(crl.entries[i].serial.hex() == "0" + std::to_string(i + 1));
    BOOST_TEST(format_utc(crl.entries[i].at) == "2026-10-31T12:00:00Z");
  }
}

BOOST_AUTO_TEST_CASE(an_empty_list_and_one_without_a_number_are_lists) {
  BOOST_TEST(must(read(list())).entries.empty());
  const auto without = must(read(list([](X509_CRL* made) { X509_EXTENSION_free(X509_CRL_delete_ext(made, 0)); })));
  BOOST_TEST(without.number == 0);
}

BOOST_AUTO_TEST_CASE(what_is_not_the_whole_list_of_this_ca_is_refused) {
  const auto critical = [](int nid) {
    return [nid](X509_CRL* made) { X509_CRL_add1_ext_i2d(made, nid, integer(1).get(), 1, 0); };
  };
  refused(list(critical(NID_delta_crl)), Code::policy_denied, "critical deltaCRL");
  refused(list([](X509_CRL* made) { add(made, 1, CRL_REASON_KEY_COMPROMISE, "20261031120000Z", 1); }),
          Code::policy_denied, "critical CRLReason");
  refused(Fixture().list(), Code::policy_denied, "not signed by the CA's key");
  refused(list([](X509_CRL* made) {
            const std::unique_ptr<X509_NAME, Deleter<X509_NAME_free>> other(X509_NAME_new());
            X509_CRL_set_issuer_name(made, other.get());
          }),
          Code::policy_denied, "another issuer's");
  refused(list([](X509_CRL* made) { set_date(X509_CRL_set1_lastUpdate, made, "20261124090001Z"); }),
          Code::policy_denied, "from the future: 2026-11-24T09:00:01Z");
}

BOOST_AUTO_TEST_CASE(what_could_not_be_published_again_is_refused) {
  refused(list([](X509_CRL* made) { add(made, 1, CRL_REASON_REMOVE_FROM_CRL); }), Code::policy_denied, "reason 8");
  refused(list([](X509_CRL* made) { add(made, -1); }), Code::bad_request, "negative serial number");
  refused(list([](X509_CRL* made) { add(made, 1, 0, "19691231235959Z"); }), Code::bad_request, "before 1970");
  refused(list([](X509_CRL* made) {
            add(made, 1);
            add(made, 1, CRL_REASON_SUPERSEDED);
          }),
          Code::policy_denied, "01 twice");
  refused(list([](X509_CRL* made) {
            const IntegerPtr large(ASN1_INTEGER_new());
            ASN1_INTEGER_set_int64(large.get(), (std::int64_t{1} << 60) + 1);
            X509_CRL_add1_ext_i2d(made, NID_crl_number, large.get(), 0, X509V3_ADD_REPLACE);
          }),
          Code::policy_denied, "60 bits");
}

BOOST_AUTO_TEST_CASE(what_is_no_crl_is_refused) {
  const std::string good = list();
  refused("", Code::bad_request, "");
  refused(good + good, Code::bad_request, "");
  refused("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n", Code::bad_request, "not a CRL");
  refused(good.substr(0, good.size() / 2), Code::bad_request, "");
}

BOOST_AUTO_TEST_SUITE_END()
