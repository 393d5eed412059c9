#include "daemon/policy/policies.h"

#include <sys/stat.h>

#include <fstream>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/must.h"
#include "tests/support/replace_in.h"
#include "tests/support/run_command.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;
using test::replace_in;

namespace {

struct Fixture : test::SoftwareRoom {
  Fixture() { make_keys_and_ca(); }

  std::string outcome(const Json& reply) {
    message = reply.contains("error") ? reply["error"]["message"].get<std::string>() : "";
    return reply.contains("error") ? reply["error"]["code"].get<std::string>() : "ok";
  }
  std::string load() { return outcome(ask(admin, "load_policy")); }
  std::filesystem::path profile(const std::string& name) const {
    return policy_files().profiles_dir / (name + ".toml");
  }
  std::int64_t version() { return room().policies().current()->version; }
  unsigned approvals_of(const std::string& name) { return room().policies().current()->profiles.find(name)->approvals; }
  void more_approvals() { BOOST_REQUIRE(replace_in(profile("jws"), "approvals = 0", "approvals = 2")); }

  const Peer admin = peer(Role::admin);
  std::string message;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(policies, Fixture)

BOOST_AUTO_TEST_CASE(the_first_start_stores_what_the_files_say) {
  const Json shown = ask(admin, "get_policy")["ok"];
  BOOST_TEST(shown["version"] == 1);
  BOOST_TEST(shown["in_force"] == true);
  BOOST_TEST(shown["differs"].empty());
  for (const Json& file : shown["files"]) {
    const auto path = policy_files().policy_file.parent_path() / file["name"].get<std::string>();
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    BOOST_TEST(file["text"] == text.str());
  }
}

// Another program's word for it: coreutils.
BOOST_AUTO_TEST_CASE(the_hash_is_that_of_what_sha256sum_prints) {
  const auto folder = policy_files().policy_file.parent_path();
  std::string listing;
  std::vector<std::string> command = {"env", "-C", folder.string(), "sha256sum", "policy.toml"};
  for (const auto& [name, text] : must(room().policies().read_files()).files)
    if (name != "policy.toml") command.push_back(name);
  listing = test::run_command(command).output;
  std::ofstream(folder / "listing") << listing;
  const std::string hash = test::run_command({"sha256sum", (folder / "listing").string()}).output.substr(0, 64);
  BOOST_TEST(ask(admin, "get_policy")["ok"]["sha256"] == hash);
}

BOOST_AUTO_TEST_CASE(files_that_change_change_nothing_until_they_are_loaded) {
  more_approvals();
  BOOST_TEST(approvals_of("jws") == 0U);
  BOOST_TEST(ask(admin, "health")["ok"]["policy"]["files"] == "differ");
  BOOST_TEST(ask(admin, "health")["ok"]["status"] == "ready");
  BOOST_TEST(ask(admin, "get_policy")["ok"]["differs"] == Json::array({"profiles/jws.toml"}));
  BOOST_TEST(load() == "ok");
  BOOST_TEST(version() == 2);
  BOOST_TEST(approvals_of("jws") == 2U);
  BOOST_TEST(ask(admin, "health")["ok"]["policy"]["files"] == "same");
}

BOOST_AUTO_TEST_CASE(a_restart_takes_what_was_stored_and_not_the_files) {
  more_approvals();
  const auto registry = must(Registry::open(folder() / "state"));  // as another start would
  const auto again = must(Policies::open(policy_files(), *registry, SystemClock()));
  BOOST_TEST(again->current()->version == 1);
  BOOST_TEST(again->current()->profiles.find("jws")->approvals == 0U);
  BOOST_TEST(load() == "ok");
  const auto after = must(Policies::open(policy_files(), *registry, SystemClock()));
  BOOST_TEST(after->current()->version == 2);
  BOOST_TEST(after->current()->profiles.find("jws")->approvals == 2U);
}

BOOST_AUTO_TEST_CASE(each_load_is_recorded_with_both_hashes_and_kept_to_the_byte) {
  const std::string before = to_hex(room().policies().current()->hash);
  more_approvals();
  BOOST_TEST(load() == "ok");
  const auto intents = records("policy_intent"), results = records("load_policy");
  BOOST_REQUIRE(intents.size() == 1U && results.size() == 1U);
  BOOST_TEST(results[0]["replaces"]["sha256"] == before);
  BOOST_TEST(results[0]["sha256"] == to_hex(room().policies().current()->hash));
  BOOST_TEST(results[0]["version"] == 2);
  const Json old = ask(admin, "get_policy", {{"version", 1}})["ok"];
  BOOST_TEST(old["in_force"] == false);
  BOOST_TEST(old["sha256"] == before);
  BOOST_TEST(ask(admin, "list_policies")["ok"]["policies"][1]["peer"] == "admin");
  BOOST_TEST(outcome(ask(admin, "get_policy", {{"version", 3}})) == "not_found");
}

BOOST_AUTO_TEST_CASE(loading_the_same_again_is_no_new_version) {
  BOOST_TEST(ask(admin, "load_policy")["ok"]["changed"] == false);
  BOOST_TEST(version() == 1);
}

// Both have read version 1 before either was written.
BOOST_AUTO_TEST_CASE(of_two_loads_that_replace_the_same_version_the_second_is_refused) {
  more_approvals();
  const PolicySource source = must(room().policies().read_files());
  const auto replace_the_first = [&] {
    return room().policies().replace(1, source, must(decode_policy(source)),
                                     {.peer = "admin", .uid = 0, .approval = {}}, [](Database&) { return Result<>(); });
  };
  BOOST_TEST(must(replace_the_first())->version == 2);
  const auto refused = replace_the_first();
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::conflict));
  BOOST_TEST(refused.error().message == "policy version 2 came into force meanwhile; wanted to replace version 1");
  BOOST_TEST(version() == 2);
}

BOOST_AUTO_TEST_CASE(a_bad_file_changes_nothing_and_says_why) {
  const auto refused = [&](const std::string& words) {
    const std::string code = load();
    BOOST_TEST(code != "ok", words);
    BOOST_TEST(message.find(words) != std::string::npos, message << " lacks " << words);
    BOOST_TEST(version() == 1);
    BOOST_TEST(ask(admin, "health")["ok"]["status"] == "ready");
  };
  BOOST_REQUIRE(replace_in(profile("jws"), "validity_days    = 730", "validity_days    = 0"));
  refused("profiles/jws.toml: \"validity_days\"");
  BOOST_REQUIRE(replace_in(profile("jws"), "validity_days    = 0", "validity_days    = 730"));
  BOOST_REQUIRE(replace_in(policy_files().policy_file, "load_policy = 0", ""));
  refused("policy.toml: \"approvals.needed.load_policy\" is missing");
  BOOST_REQUIRE(replace_in(policy_files().policy_file, "create_key = 0\n", "create_key = 0\nload_policy = 0\n"));
  BOOST_REQUIRE(::chmod(profile("jws").c_str(), 0666) == 0);
  refused("jws.toml");
  BOOST_TEST(ask(admin, "health")["ok"]["policy"]["files"] == "unreadable");
  BOOST_REQUIRE(::chmod(profile("jws").c_str(), 0600) == 0);
  std::ofstream(profile("jws"), std::ios::app) << "x = [";
  refused("profiles/jws.toml:");
}

BOOST_AUTO_TEST_CASE(a_profile_that_a_ca_was_made_from_must_stay) {
  std::filesystem::remove(profile("test-root"));
  BOOST_TEST(load() == "bad_request");
  BOOST_TEST(message.find("CA \"hub-ca\" was made from the profile \"test-root\"") != std::string::npos, message);
  BOOST_TEST(version() == 1);
}

BOOST_AUTO_TEST_CASE(profiles_that_peers_name_must_stay) {
  const auto good = must(read_policy(policy_files()));
  PeerRule rule;
  rule.name = "agent";
  rule.profiles = {"dfsp-client", "gone"};
  const auto refused = check_profiles(good, {rule});
  BOOST_REQUIRE(!refused.has_value());
  const std::string& told = refused.error().message;
  BOOST_TEST(told.find("\"agent\" names the profile \"gone\", which there is not; there are: ") != std::string::npos,
             told);
  for (const auto& [name, profile] : good.profiles.all()) BOOST_TEST(told.find(name) != std::string::npos, told);
}

BOOST_AUTO_TEST_CASE(consent_covers_exactly_these_bytes) {
  BOOST_REQUIRE(replace_in(policy_files().policy_file, "load_policy = 0", "load_policy = 1"));
  BOOST_TEST(load() == "ok");
  const auto waiting = [&] {
    const Json reply = ask(admin, "load_policy");
    BOOST_TEST(reply["error"]["code"] == "approval_required");
    return reply["error"]["approval"].get<std::string>();
  };
  more_approvals();
  const std::string first = waiting();
  BOOST_TEST(waiting() == first);
  std::ofstream(profile("jws"), std::ios::app) << "\n";  // one more byte
  const std::string second = waiting();
  BOOST_TEST(second != first);
  const auto approve = [&](const std::string& id) {
    must(registry().write([&](Database& database) -> Result<> {
      Statement update = TRY(database.prepare("UPDATE approvals SET state = 'approved' WHERE 'a-' || id = ?"));
      return update.bind(id).run();
    }));
  };
  approve(first);
  BOOST_TEST(waiting() == second);  // what was approved is not what lies there
  approve(second);
  BOOST_TEST(load() == "ok");
  BOOST_TEST(version() == 3);
  BOOST_TEST(ask(admin, "get_policy")["ok"]["approval"] == second);
}

BOOST_AUTO_TEST_CASE(a_load_that_was_agreed_to_under_an_older_policy_replaces_no_newer_one) {
  const auto begun = room().policies().current();
  more_approvals();
  BOOST_TEST(load() == "ok");
  const PolicySource source = must(room().policies().read_files());
  const auto late = room().policies().replace(
      begun->version, source, *begun, {.peer = "late", .uid = 0, .approval = {}}, [](Database&) { return Result<>(); });
  BOOST_REQUIRE(!late.has_value());
  BOOST_TEST((late.error().code == Code::conflict));
  BOOST_TEST(version() == 2);
}

BOOST_AUTO_TEST_CASE(who_has_begun_ends_under_the_policy_of_that_moment) {
  const auto snapshot = room().policies().current();
  more_approvals();
  BOOST_TEST(load() == "ok");
  BOOST_TEST(snapshot->version == 1);
  BOOST_TEST(snapshot->profiles.find("jws")->approvals == 0U);
}

BOOST_AUTO_TEST_CASE(stored_bytes_that_were_changed_are_not_taken) {
  must(registry().write([](Database& database) {
    return database.execute(
        "UPDATE policy_files SET content = CAST(content || x'0a' AS BLOB) WHERE name = 'policy.toml'");
  }));
  const auto registry = must(Registry::open(folder() / "state"));
  const auto opened = Policies::open(policy_files(), *registry, SystemClock());
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST((opened.error().code == Code::storage_unavailable));
  BOOST_TEST(opened.error().message.find("SHA-256 differs") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_an_older_hubseald_stored_can_be_replaced_without_a_daemon) {
  must(registry().write([](Database& database) {
    return database.execute(
        "DELETE FROM policy_files; INSERT INTO policy_files VALUES (1, 'policy.toml', CAST('' AS BLOB));"
        "UPDATE policies SET hash = x'00'");
  }));
  const auto registry = must(Registry::open(folder() / "state"));
  BOOST_TEST(!Policies::open(policy_files(), *registry, SystemClock()).has_value());
  const auto adopted = must(adopt_files(policy_files(), *registry, SystemClock(), 0)).value();
  BOOST_TEST(adopted.changed);
  BOOST_TEST(adopted.version == 2);
  BOOST_TEST(must(Policies::open(policy_files(), *registry, SystemClock()))->current()->version == 2);
  BOOST_TEST(!must(adopt_files(policy_files(), *registry, SystemClock(), 0)).value().changed);
}

BOOST_AUTO_TEST_CASE(a_policy_is_bounded) {
  for (int i = 0; i < 70; ++i) std::ofstream(profile("p" + std::to_string(i))) << "";
  for (const auto& entry : std::filesystem::directory_iterator(policy_files().profiles_dir))
    std::filesystem::permissions(entry, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  BOOST_TEST(load() == "too_large");
}

BOOST_AUTO_TEST_CASE(other_files_in_the_folder_of_profiles_are_left_alone) {
  std::ofstream(policy_files().profiles_dir / "README.md") << "not a profile";
  BOOST_TEST(ask(admin, "load_policy")["ok"]["changed"] == false);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_named) {
  const auto read = read_source({.policy_file = policy_files().policy_file, .profiles_dir = folder() / "nowhere"});
  BOOST_REQUIRE(!read.has_value());
  BOOST_TEST((read.error().code == Code::not_found));
  BOOST_TEST(read.error().message.find("nowhere") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
