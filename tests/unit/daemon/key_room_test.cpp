// What goes on beside requests.
#include "daemon/key_room.h"

#include <algorithm>
#include <filesystem>
#include <future>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/must.h"
#include "tests/support/software_room.h"
#include "tests/support/until.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;
namespace fs = std::filesystem;

BOOST_FIXTURE_TEST_SUITE(key_room, test::SoftwareRoom)

// Several keys are due, and each of them may take the token minutes.
BOOST_AUTO_TEST_CASE(no_further_key_is_destroyed_once_the_log_is_found_changed) {
  must(room().start_checkpoints({}));
  const Peer admin = peer(Role::admin);
  for (const char* label : {"one", "two"}) {
    must(room().keyring().create(label, KeyType::ec_p256, KeyUse::jws));
    for (const char* step : {"suspend_key", "deactivate_key", "destroy_key"}) {
      const Json reply = ask(admin, step, {{"key", label}});
      BOOST_TEST_REQUIRE(!reply.contains("error"), reply.dump());
    }
  }
  must(room().checkpoints().make());
  restart();
  must(room().start_checkpoints({.witnesses = {}, .check_at_start = std::chrono::milliseconds(0)}));
  // What cannot be read gives no verdict before the first key is on its way; then it is gone.
  const fs::path away = folder() / "away";
  fs::rename(audit_file(), away);
  fs::create_directory(audit_file());
  std::promise<void> found;
  signer().meanwhile([&] {
    fs::remove(audit_file());
    if (test::until([&] { return !room().checkpoints().refuse_altered(); })) found.set_value();
  });
  room().start_housekeeping();
  BOOST_REQUIRE((found.get_future().wait_for(std::chrono::minutes(2)) == std::future_status::ready));
  BOOST_TEST(!room().checkpoints().refuse_altered().has_value());
  fs::rename(away, audit_file());
  restart();  // once the task under way has come to its end
  const auto keys = must(signer().list_keys());
  BOOST_TEST(std::count_if(keys.begin(), keys.end(),
                           [](const hsm::KeyInfo& key) { return key.label == "one" || key.label == "two"; }) == 1);
}

BOOST_AUTO_TEST_CASE(a_key_that_went_before_a_crash_is_recorded_as_destroyed_by_the_next_run_that_is_shown_all_others) {
  for (const char* label : {"old", "other"}) must(room().keyring().create(label, KeyType::ec_p256, KeyUse::jws));
  for (const char* step : {"suspend_key", "deactivate_key", "destroy_key"})
    BOOST_TEST_REQUIRE(!ask(peer(Role::admin), step, {{"key", "old"}}).contains("error"));
  const auto life = [&] { return must(room().keyring().check("old", [](KeyRecord&) -> Result<> { return {}; })).life; };
  const auto run_once = [&] {
    const std::size_t runs = records("key_destruction_intent").size();
    room().start_housekeeping();
    BOOST_REQUIRE(test::until([&] { return records("key_destruction_intent").size() != runs; }));
    restart();  // once the task under way has come to its end
  };
  signer().fail_after_destroying();
  run_once();
  signer().hide({must(room().keyring().show("other")).record.id});
  run_once();
  BOOST_TEST(records("key_destroyed").empty());
  BOOST_TEST((life() == KeyLife::deactivated));
  signer().hide({});
  run_once();
  BOOST_TEST(records("key_destroyed").size() == 1U);
  BOOST_TEST((life() == KeyLife::destroyed));
}

BOOST_AUTO_TEST_CASE(a_key_that_the_token_does_not_show_is_looked_for_without_anybody_asking_for_it) {
  const KeyRecord key = must(room().keyring().create("late", KeyType::ec_p256, KeyUse::jws)).record;
  signer().hide({key.id});
  std::promise<void> looked;
  signer().meanwhile([&] { looked.set_value(); });
  room().start_housekeeping();
  BOOST_TEST((looked.get_future().wait_for(std::chrono::minutes(2)) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(a_key_that_may_be_gone_was_kept_and_is_shown_again_testifies_again) {
  const KeyRecord kept = must(room().keyring().create("kept", KeyType::ec_p256, KeyUse::jws)).record;
  must(registry().write([&](Database& database) {
    KeyRecord begun = kept;
    begun.destruction_begun = true;  // people have said so, and kept it while the token did not show it
    return key_table::update(database, begun);
  }));
  restart();
  const auto may_be_gone = [&] { return must(room().keyring().show("kept")).record.destruction_begun; };
  signer().hide({kept.id});
  std::promise<void> looked;
  signer().meanwhile([&] { looked.set_value(); });
  room().start_housekeeping();
  BOOST_REQUIRE((looked.get_future().wait_for(std::chrono::minutes(2)) == std::future_status::ready));
  restart();  // once the task under way has come to its end
  BOOST_TEST(may_be_gone());
  signer().hide({});
  room().start_housekeeping();
  BOOST_TEST(test::until([&] { return !may_be_gone(); }));
}

BOOST_AUTO_TEST_SUITE_END()
