// A token may show less than it has, and a crash may come between it and the registry: which key counts as destroyed,
// and which is looked for.
#include <set>

#include <boost/test/unit_test.hpp>

#include "daemon/keyring.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;
using enum KeyLife;

namespace {

/// Two keys whose day has come, and one that signs.
struct TwoAreDue {
  TwoAreDue() {
    for (const auto& [label, life] : {std::pair{"first", deactivated}, {"second", compromised}, {"ca", active}}) {
      test::must(keyring->create(label, KeyType::ec_p256, KeyUse::jws));
      if (life != active) is_due(label, life);
    }
  }

  void is_due(const std::string& label, KeyLife life) {
    test::must(keyring->change(
        label,
        [&](KeyRecord& key) -> Result<> {
          if (key.life != life) TRY(enter_life(key, life, clock.now()));
          key.destroy_at = clock.now();
          return {};
        },
        Grant()));
  }
  KeyRecord record(const std::string& label) {
    return test::must(keyring->check(label, [](KeyRecord&) -> Result<> { return {}; }));
  }
  KeyId id(const std::string& label) { return record(label).id; }
  Result<> destroy(const std::string& label) { return keyring->destroy(record(label)); }
  void is_destroyed(const std::string& label) {
    test::must(destroy(label));
    BOOST_TEST((record(label).life == destroyed));
  }
  void refuses(const std::string& label, std::string_view words) {
    const auto done = destroy(label);
    BOOST_REQUIRE(!done.has_value());
    BOOST_TEST((done.error().code == Code::hsm_unavailable));
    BOOST_TEST(done.error().message.find(words) != std::string::npos, done.error().message);
    BOOST_TEST((record(label).life != destroyed));
  }
  /// An attempt that ends before the key is gone, and before the token can tell.
  void attempt_and_hide(const std::string& label) {
    token.refuse_to_destroy();
    token.meanwhile([&] { token.hide({id(label)}); });
    BOOST_REQUIRE(!destroy(label));
  }
  std::set<std::string> marked() {
    std::set<std::string> labels;
    for (const KeyRecord& key : test::must(registry->read(key_table::list)))
      if (key.destruction_begun) labels.insert(key.label);
    return labels;
  }
  void restart() { keyring = test::must(Keyring::open(*registry, token, clock)); }

  test::TempDir folder;
  SystemClock clock;
  test::SoftwareSigner token;
  std::unique_ptr<Registry> registry = test::must(Registry::open(folder.path()));
  std::unique_ptr<Keyring> keyring = test::must(Keyring::open(*registry, token, clock));
};

constexpr std::string_view kNoAttempt = "hubseald knows of no attempt that may have destroyed it";

}  // namespace

BOOST_AUTO_TEST_SUITE(keyring)

BOOST_FIXTURE_TEST_CASE(keys_that_the_token_does_not_show_do_not_count_as_destroyed_one_after_the_other, TwoAreDue) {
  token.hide({id("first"), id("second")});
  for (int tick = 0; tick < 2; ++tick)
    for (const char* key : {"first", "second"}) refuses(key, kNoAttempt);
  BOOST_TEST(keyring->undestroyed().size() == 2U);
  token.hide({});
  for (const char* key : {"first", "second"}) is_destroyed(key);
  BOOST_TEST(keyring->undestroyed().empty());
}

BOOST_FIXTURE_TEST_CASE(one_key_that_the_token_has_never_shown_on_its_day_does_not_count_as_destroyed, TwoAreDue) {
  token.hide({id("first")});
  refuses("first", kNoAttempt);
  restart();
  refuses("first", kNoAttempt);
}

BOOST_FIXTURE_TEST_CASE(a_key_that_went_before_a_crash_counts_as_destroyed_once_every_other_key_is_shown, TwoAreDue) {
  token.fail_after_destroying();
  BOOST_REQUIRE(!destroy("first"));
  restart();
  for (const char* other : {"second", "ca"}) {
    token.hide({id(other)});
    refuses("first", std::string("neither is \"") + other + "\"");
  }
  token.hide({});
  is_destroyed("first");
  is_destroyed("second");
}

BOOST_FIXTURE_TEST_CASE(two_keys_that_went_before_crashes_do_not_keep_each_other_from_counting_as_destroyed,
                        TwoAreDue) {
  for (const char* key : {"first", "second"}) {
    token.fail_after_destroying();
    BOOST_REQUIRE(!destroy(key));
  }
  restart();
  token.hide({id("ca")});
  for (const char* key : {"first", "second"}) refuses(key, "neither is \"ca\"");
  token.hide({});
  for (const char* key : {"first", "second"}) is_destroyed(key);
}

BOOST_FIXTURE_TEST_CASE(keys_that_the_token_refused_to_destroy_do_not_count_as_destroyed_when_it_hides_them,
                        TwoAreDue) {
  for (const char* key : {"first", "second"}) {
    token.refuse_to_destroy();
    BOOST_REQUIRE(!destroy(key));
  }
  BOOST_TEST(marked().empty());
  for (const std::set<KeyId>& hidden : {std::set{id("first")}, std::set{id("first"), id("second")}}) {
    token.hide(hidden);
    refuses("first", kNoAttempt);
  }
  refuses("second", kNoAttempt);
  restart();
  for (const char* key : {"first", "second"}) refuses(key, kNoAttempt);
}

BOOST_FIXTURE_TEST_CASE(a_key_that_appears_while_others_are_looked_for_does_not_count_as_destroyed, TwoAreDue) {
  attempt_and_hide("first");
  token.meanwhile([&] { token.hide({}); });
  refuses("first", "now it is there");
  is_destroyed("first");
}

BOOST_FIXTURE_TEST_CASE(that_a_destruction_has_begun_is_in_the_registry_before_the_token_destroys, TwoAreDue) {
  attempt_and_hide("first");
  BOOST_TEST(marked() == std::set<std::string>{"first"});
  token.hide({});
  BOOST_TEST(token.list_keys()->size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_key_that_the_token_did_not_show_is_looked_for_when_it_is_to_be_shown, TwoAreDue) {
  token.hide({id("ca")});
  BOOST_TEST(!test::must(keyring->show("ca")).in_token.has_value());
  token.meanwhile([&] { token.hide({}); });
  BOOST_TEST(test::must(keyring->show("ca")).in_token.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
