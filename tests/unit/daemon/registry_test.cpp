#include "daemon/registry.h"

#include <thread>

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

const TimePoint kNow{std::chrono::seconds(1'790'000'000)};

KeyId id_of(int n) {
  KeyId id{};
  id[0] = static_cast<std::uint8_t>(n);
  id[1] = static_cast<std::uint8_t>(n >> 8);
  return id;
}

CertificateRecord intent(int n, const std::string& subject) {
  return {.ca = "hub-ca",
          .serial = to_hex(id_of(n)).substr(0, 8),
          .profile = "dfsp-client",
          .subject = subject,
          .peer = "agent",
          .request = "r-" + std::to_string(n),
          .content_hash = {1, 2, 3},
          .key_id = id_of(n),
          .distinguished_name = "CN=" + subject,
          .not_before = kNow,
          .not_after = kNow + std::chrono::days(730),
          .tbs = {0x30, 0x00},
          .algorithm = SignatureAlgorithm::rsa_pkcs1_sha256};
}

struct Fixture {
  test::TempDir folder;
  std::unique_ptr<Registry> registry = Registry::open(folder.path()).value();
  void reopen() {
    registry.reset();
    registry = Registry::open(folder.path()).value();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(registry, Fixture)

BOOST_AUTO_TEST_CASE(an_intent_survives_a_restart_and_becomes_one_certificate) {
  test::must(registry->reserve(intent(1, "bank1"), {}));
  reopen();
  auto found = registry->find_request("agent", "r-1").value();
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(!found->issued());
  BOOST_TEST((found->tbs == Bytes{0x30, 0x00}));
  BOOST_TEST(registry->complete("hub-ca", found->serial, Bytes{9, 9}).value());
  reopen();
  found = registry->find_certificate("hub-ca", found->serial).value();
  BOOST_TEST((found->certificate == Bytes{9, 9}));
  BOOST_TEST((found->not_after == kNow + std::chrono::days(730)));
}

BOOST_AUTO_TEST_CASE(a_certificate_once_issued_is_never_replaced) {
  test::must(registry->reserve(intent(1, "bank1"), {}));
  BOOST_TEST(registry->complete("hub-ca", "01000000", Bytes{1}).value());
  BOOST_TEST(!registry->complete("hub-ca", "01000000", Bytes{2}).value());
  BOOST_TEST((registry->find_certificate("hub-ca", "01000000").value()->certificate == Bytes{1}));
}

BOOST_AUTO_TEST_CASE(PKI_5_a_wildcard_does_not_cover_the_names_of_others) {
  auto code = [&, n = 0](const std::string& subject, const std::string& name) mutable {
    const auto reserved = registry->reserve(intent(++n, subject), {{ca::NameKind::dns, name}});
    return reserved ? "ok" : std::string(to_string(reserved.error().code));
  };
  BOOST_TEST(code("bank1", "api.bank1.example.com") == "ok");
  BOOST_TEST(code("bank3", "deep.api.bank2.example.com") == "ok");
  BOOST_TEST(code("bank2", "*.bank1.example.com") == "conflict");
  BOOST_TEST(code("bank1", "*.bank1.example.com") == "ok");
  BOOST_TEST(code("bank2", "new.bank1.example.com") == "conflict");
  BOOST_TEST(code("bank1", "new.bank1.example.com") == "ok");
  BOOST_TEST(code("bank2", "bank1.example.com") == "ok");
  BOOST_TEST(code("bank2", "*.bank2.example.com") == "ok");  // one label: nobody's name lies there
  BOOST_TEST(code("bank2", "localhost") == "ok");
}

BOOST_AUTO_TEST_CASE(PKI_8_a_public_key_certified_once_is_refused_again) {
  test::must(registry->reserve(intent(1, "bank1"), {}));
  CertificateRecord again = intent(2, "bank1");
  again.key_id = id_of(1);
  const auto refused = registry->reserve(again, {});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(refused.error().message.find("PKI-8") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(PKI_5_a_name_of_one_participant_is_refused_for_every_other) {
  const std::vector<ca::ClaimedName> names = {{ca::NameKind::cn, "bank1.example.com"}};
  test::must(registry->reserve(intent(1, "bank1"), names));
  test::must(registry->reserve(intent(2, "bank1"), names));
  const auto refused = registry->reserve(intent(3, "bank2"), names);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::conflict));
  // What was refused has left nothing behind: neither its row nor its other names.
  BOOST_TEST(!registry->find_request("agent", "r-3").value().has_value());
}

BOOST_AUTO_TEST_CASE(a_refused_writer_takes_nobody_with_it) {
  test::must(registry->reserve(intent(1, "bank1"), {}));
  std::atomic<int> written{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        // Every second intent repeats key 1 and must be refused.
        CertificateRecord record = intent(100 + t * 20 + i, "bank1");
        if (i % 2 == 1) record.key_id = id_of(1);
        if (registry->reserve(record, {})) ++written;
      }
    });
  for (auto& thread : threads) thread.join();
  BOOST_TEST(written == 80);
  BOOST_TEST(registry->list_certificates({.limit = 500}).value().size() == 81);
}

BOOST_AUTO_TEST_CASE(lists_by_participant_in_pages_oldest_first) {
  for (int n = 1; n <= 5; ++n) test::must(registry->reserve(intent(n, n % 2 ? "odd" : "even"), {}));
  const auto first = registry->list_certificates({.subject = "odd", .limit = 2}).value();
  BOOST_REQUIRE(first.size() == 2);
  BOOST_TEST(first[0].request == "r-1");
  const auto rest = registry->list_certificates({.subject = "odd", .after = first[1].row, .limit = 2}).value();
  BOOST_REQUIRE(rest.size() == 1);
  BOOST_TEST(rest[0].request == "r-5");
}

BOOST_AUTO_TEST_CASE(keys_and_cas_come_back_as_they_were) {
  test::must(registry->add_key(
      {.label = "hub-ca", .id = id_of(7), .type = KeyType::ec_p384, .use = KeyUse::ca, .created_at = kNow}));
  test::must(
      registry->add_ca({.name = "hub", .key = "hub-ca", .profile = "hub-root", .certificate = {1, 2}, .csr = {}}));
  reopen();
  const auto keys = registry->keys().value();
  BOOST_REQUIRE(keys.size() == 1);
  BOOST_TEST((keys[0].id == id_of(7)));
  BOOST_TEST((keys[0].type == KeyType::ec_p384));
  BOOST_TEST(registry->find_ca("hub").value()->key == "hub-ca");
  BOOST_TEST(!registry->add_ca({.name = "two", .key = "hub-ca", .profile = "p"}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
