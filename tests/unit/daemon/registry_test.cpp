#include "daemon/registry/registry.h"

#include <future>
#include <thread>

#include <boost/test/unit_test.hpp>

#include "daemon/registry/ca_table.h"
#include "daemon/registry/certificate_table.h"
#include "daemon/registry/key_table.h"
#include "daemon/registry/name_table.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

const TimePoint kNow{std::chrono::seconds(1'790'000'000)};

KeyId id_of(int n) {
  KeyId id{};
  for (std::size_t i = 0; i < 4; ++i) id[i] = static_cast<std::uint8_t>(n >> 8 * i);
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
          .key_core = id_of(n + 1'000'000),
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

  Result<> reserve(const CertificateRecord& record, const std::vector<ca::ClaimedName>& names) {
    return registry->write([&](Database& database) -> Result<> {
      for (const ca::ClaimedName& name : names) TRY(name_table::add(database, name, record.subject));
      return certificate_table::reserve(database, record);
    });
  }
  Result<bool> complete(const std::string& ca, const std::string& serial, const Bytes& certificate) {
    return registry->write(
        [&](Database& database) { return certificate_table::complete(database, ca, serial, certificate); });
  }
  std::optional<CertificateRecord> find(const std::string& ca, const std::string& serial) {
    return test::must(
        registry->read([&](Database& database) { return certificate_table::find(database, ca, serial); }));
  }
  std::optional<CertificateRecord> find_request(const std::string& peer, const std::string& request) {
    return test::must(
        registry->read([&](Database& database) { return certificate_table::find_request(database, peer, request); }));
  }
  std::vector<CertificateRecord> list(const CertificateQuery& query) {
    return test::must(registry->read([&](Database& database) { return certificate_table::list(database, query); }));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(registry, Fixture)

BOOST_AUTO_TEST_CASE(an_intent_survives_a_restart_and_becomes_one_certificate) {
  test::must(reserve(intent(1, "bank1"), {}));
  reopen();
  auto found = find_request("agent", "r-1");
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(!found->issued());
  BOOST_TEST((found->tbs == Bytes{0x30, 0x00}));
  BOOST_TEST(complete("hub-ca", found->serial, Bytes{9, 9}).value());
  reopen();
  found = find("hub-ca", found->serial);
  BOOST_TEST((found->certificate == Bytes{9, 9}));
  BOOST_TEST((found->not_after == kNow + std::chrono::days(730)));
}

BOOST_AUTO_TEST_CASE(no_list_of_certificates_scans_the_table_or_sorts_it) {
  for (const auto& ca : {std::optional<std::string>(), std::optional<std::string>("hub-ca")})
    for (const auto& subject : {std::optional<std::string>(), std::optional<std::string>("bank1")}) {
      // Kept as long as the connection: what it prepares is found again by this text.
      static std::vector<std::string> texts;
      texts.reserve(4);
      texts.push_back("EXPLAIN QUERY PLAN " + std::string(certificate_table::list_sql(
                                                  {.ca = ca, .subject = subject, .after = 0, .limit = 100})));
      const std::string plan = test::must(registry->read([&](Database& database) -> Result<std::string> {
        std::string lines;
        Statement rows = TRY(database.prepare(texts.back()));
        while (TRY(rows.step())) lines += rows.text(3) + "\n";
        return lines;
      }));
      BOOST_TEST(plan.starts_with("SEARCH certificates USING "), plan);
      BOOST_TEST(plan.find("SCAN") == std::string::npos, plan);
      BOOST_TEST(plan.find("TEMP B-TREE") == std::string::npos, plan);
      if (ca) BOOST_TEST(plan.find("(ca=?") != std::string::npos, plan);
      if (subject) BOOST_TEST(plan.find("subject=?") != std::string::npos, plan);
    }
}

BOOST_AUTO_TEST_CASE(a_list_is_filtered_by_ca_and_participant) {
  test::must(reserve(intent(1, "bank1"), {}));
  test::must(reserve(intent(2, "bank2"), {}));
  BOOST_TEST(list({}).size() == 2U);
  BOOST_TEST(list({.ca = "hub-ca", .subject = {}}).size() == 2U);
  BOOST_TEST(list({.ca = "other", .subject = {}}).empty());
  BOOST_TEST(list({.ca = {}, .subject = "bank2"}).size() == 1U);
  BOOST_TEST(list({.ca = "hub-ca", .subject = "bank1"}).front().subject == "bank1");
  BOOST_TEST(list({.ca = "other", .subject = "bank1"}).empty());
  const std::int64_t first = list({}).front().row;
  BOOST_TEST(list({.ca = "hub-ca", .subject = {}, .after = first}).front().subject == "bank2");
  BOOST_TEST(list({.ca = "hub-ca", .subject = {}, .limit = 1}).front().subject == "bank1");
}

BOOST_AUTO_TEST_CASE(a_read_that_takes_long_does_not_stop_another) {
  const auto outer = registry->read([&](Database&) -> Result<bool> {
    std::promise<bool> answered;
    std::jthread other([&] {
      answered.set_value(
          registry->read([](Database& database) { return certificate_table::list(database, {}); }).has_value());
    });
    return answered.get_future().get();
  });
  BOOST_TEST(test::must(outer));
}

BOOST_AUTO_TEST_CASE(a_certificate_once_issued_is_never_replaced) {
  test::must(reserve(intent(1, "bank1"), {}));
  BOOST_TEST(complete("hub-ca", "01000000", Bytes{1}).value());
  BOOST_TEST(!complete("hub-ca", "01000000", Bytes{2}).value());
  BOOST_TEST((find("hub-ca", "01000000")->certificate == Bytes{1}));
}

BOOST_AUTO_TEST_CASE(PKI_5_a_wildcard_does_not_cover_the_names_of_others) {
  auto code = [&, n = 0](const std::string& subject, const std::string& name) mutable {
    const auto reserved = reserve(intent(++n, subject), {{ca::NameKind::dns, name}});
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
  test::must(reserve(intent(1, "bank1"), {}));
  CertificateRecord again = intent(2, "bank1");
  again.key_id = id_of(1);
  const auto refused = reserve(again, {});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(refused.error().message.find("PKI-8") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(PKI_8_a_key_with_the_numbers_of_another_is_refused) {
  test::must(reserve(intent(1, "bank1"), {}));
  CertificateRecord relative = intent(2, "bank2");
  relative.key_core = intent(1, "bank1").key_core;
  const auto refused = reserve(relative, {});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(refused.error().message.find("r-1") == std::string::npos);  // whose it was is told to nobody else
}

BOOST_AUTO_TEST_CASE(PKI_5_a_name_of_one_participant_is_refused_for_every_other) {
  const std::vector<ca::ClaimedName> names = {{ca::NameKind::cn, "bank1.example.com"}};
  test::must(reserve(intent(1, "bank1"), names));
  test::must(reserve(intent(2, "bank1"), names));
  const auto refused = reserve(intent(3, "bank2"), names);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::conflict));
  // What was refused has left nothing behind: neither its row nor its other names.
  BOOST_TEST(!find_request("agent", "r-3").has_value());
}

BOOST_AUTO_TEST_CASE(a_refused_writer_takes_nobody_with_it) {
  test::must(reserve(intent(1, "bank1"), {}));
  std::atomic<int> written{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        // Every second intent repeats key 1 and must be refused.
        CertificateRecord record = intent(100 + t * 20 + i, "bank1");
        if (i % 2 == 1) record.key_id = id_of(1);
        if (reserve(record, {})) ++written;
      }
    });
  for (auto& thread : threads) thread.join();
  BOOST_TEST(written == 80);
  BOOST_TEST(list({.limit = 500}).size() == 81);
  // Transactions count, however many writers shared one; the registry itself and who asks it say the same.
  const std::uint64_t changes = registry->changes();
  BOOST_TEST(changes <= 161);
  reopen();
  BOOST_TEST(registry->found() == changes);
}

// Each is told what has come of the transaction that it was in, whoever else was in it.
BOOST_AUTO_TEST_CASE(a_commit_that_fails_reaches_everybody_who_shared_it) {
  constexpr int kWriters = 8, kRounds = 20;
  std::array<std::atomic<bool>, kWriters * kRounds> told{};
  std::atomic<int> poison_taken = 0;
  const auto poison = [](Database& database) -> Result<> {
    // Found out by COMMIT only.
    TRY(database.execute("PRAGMA defer_foreign_keys = ON"));
    return database.execute("INSERT INTO policy_files VALUES (77, 'a', x'')");
  };
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kWriters; ++t)
      threads.emplace_back([&, t] {
        for (int n = t * kRounds; n < (t + 1) * kRounds; ++n) {
          if (t == 0 && registry->write(poison)) ++poison_taken;
          told[static_cast<std::size_t>(n)] = reserve(intent(n + 1, "bank1"), {}).has_value();
        }
      });
  }
  BOOST_TEST(poison_taken == 0);
  for (int n = 0; n < kWriters * kRounds; ++n)
    BOOST_TEST(find_request("agent", "r-" + std::to_string(n + 1)).has_value() == told[static_cast<std::size_t>(n)]);
  const std::uint64_t changes = registry->changes();
  reopen();
  BOOST_TEST(registry->found() == changes);
}

// As SQLite does where the disk is full: what another writer of the same batch was told must be so.
BOOST_AUTO_TEST_CASE(a_transaction_that_is_rolled_back_as_a_whole_leaves_nothing_of_anybody) {
  std::promise<void> go;
  std::vector<std::thread> threads;
  const auto start = [&](auto work) {
    threads.emplace_back(work);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  };
  const std::uint64_t changes = registry->changes();
  bool leader = true, first = true, last = true;
  start([&] {
    const auto written = registry->write([&](Database&) -> Result<> {
      go.get_future().wait();
      return {};
    });
    leader = written.has_value();
  });
  start([&] { first = reserve(intent(1, "bank1"), {}).has_value(); });
  start([&] {
    (void)registry->write([&](Database& database) -> Result<> {
      TRY(database.execute("ROLLBACK"));
      return fail(Code::storage_unavailable, "disk full");
    });
  });
  start([&] { last = reserve(intent(2, "bank1"), {}).has_value(); });
  go.set_value();
  for (auto& thread : threads) thread.join();
  BOOST_TEST(!leader);  // the others joined its transaction
  BOOST_TEST(!first);
  BOOST_TEST(!last);
  BOOST_TEST(registry->changes() == changes);
  BOOST_TEST(list({.limit = 500}).empty());
  test::must(reserve(intent(3, "bank1"), {}));
  BOOST_TEST(list({.limit = 500}).size() == 1U);
}

BOOST_AUTO_TEST_CASE(lists_by_participant_in_pages_oldest_first) {
  for (int n = 1; n <= 5; ++n) test::must(reserve(intent(n, n % 2 ? "odd" : "even"), {}));
  const auto first = list({.subject = "odd", .limit = 2});
  BOOST_REQUIRE(first.size() == 2);
  BOOST_TEST(first[0].request == "r-1");
  const auto rest = list({.subject = "odd", .after = first[1].row, .limit = 2});
  BOOST_REQUIRE(rest.size() == 1);
  BOOST_TEST(rest[0].request == "r-5");
}

BOOST_AUTO_TEST_CASE(keys_and_cas_come_back_as_they_were) {
  const KeyRecord key{
      .label = "hub-ca", .id = id_of(7), .type = KeyType::ec_p384, .use = KeyUse::ca, .created_at = kNow};
  const auto add_ca = [&](const CaRecord& ca) {
    return registry->write([&](Database& database) { return ca_table::add(database, ca); });
  };
  test::must(registry->write([&](Database& database) { return key_table::add(database, key); }));
  test::must(add_ca({.name = "hub", .key = "hub-ca", .profile = "hub-root", .certificate = {1, 2}, .csr = {}}));
  reopen();
  const auto keys = registry->read(key_table::list).value();
  BOOST_REQUIRE(keys.size() == 1);
  BOOST_TEST((keys[0].id == id_of(7)));
  BOOST_TEST((keys[0].type == KeyType::ec_p384));
  BOOST_TEST(registry->read(ca_table::list).value().front().key == "hub-ca");
  BOOST_TEST(!add_ca({.name = "two", .key = "hub-ca", .profile = "p"}).has_value());
}

BOOST_AUTO_TEST_CASE(of_two_cas_that_are_retired_for_each_other_one_goes_on) {
  const auto retired_for = [](CaRecord ca, const std::string& successor) {
    ca.retired_at = kNow;
    ca.successor = successor;
    return ca;
  };
  const std::vector<CaRecord> cas = {
      {.name = "one", .key = "key-1", .profile = "hub-root", .certificate = {1}, .csr = {}},
      {.name = "two", .key = "key-2", .profile = "hub-root", .certificate = {2}, .csr = {}}};
  test::must(registry->write([&](Database& database) -> Result<> {
    for (int n : {0, 1}) {
      const auto& ca = cas[static_cast<std::size_t>(n)];
      TRY(key_table::add(
          database,
          {.label = ca.key, .id = id_of(n), .type = KeyType::ec_p256, .use = KeyUse::ca, .created_at = kNow}));
      TRY(ca_table::add(database, ca));
    }
    return {};
  }));
  const auto retire = [&](const CaRecord& ca, const std::string& successor) {
    return test::must(registry->write(
        [&](Database& database) { return ca_table::update(database, ca, retired_for(ca, successor)); }));
  };
  BOOST_TEST(retire(cas[0], "two"));
  BOOST_TEST(!retire(cas[1], "one"));
  BOOST_TEST(retire(cas[1], ""));  // as the last
}

BOOST_AUTO_TEST_SUITE_END()
