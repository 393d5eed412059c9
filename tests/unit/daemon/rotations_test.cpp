// How one key for JWS takes over from another: which signs, and which is shown.
#include <fmt/format.h>

#include "tests/unit/daemon/rotation_line.h"

using namespace hubseal;
using namespace hubseal::test::rotations;

BOOST_FIXTURE_TEST_SUITE(rotations, Line)

BOOST_AUTO_TEST_CASE(each_step_says_what_signs_what_is_shown_and_where_the_keys_are_in_their_lives) {
  struct Row {
    RotationStep step;
    const char *signs, *shown;
    KeyLife old_key, next_key;
  };
  using enum KeyLife;
  begin("jws-2");
  for (const Row& row : {
           Row{prepared, "jws", "jws ", active, pre_activation},
           Row{published, "jws", "jws jws-2 ", active, pre_activation},
           Row{RotationStep::activated, "jws-2", "jws jws-2 ", active, active},
           Row{retired, "jws-2", "jws jws-2 ", deactivated, active},
           Row{withdrawn, "jws-2", "jws-2 ", deactivated, active},
           Row{ended, "jws-2", "jws-2 ", deactivated, active},
       })
    BOOST_TEST_CONTEXT(to_string(row.step)) {
      if (row.step != prepared) step({row.step});
      for (const bool anew : {false, true}) {  // what a restart finds is the same
        if (anew) restart();
        BOOST_TEST((now().step == row.step));
        BOOST_TEST(rotations->signer_of("jws") == row.signs);
        BOOST_TEST(test::must(rotations->find_signing("jws")).label == row.signs);
        BOOST_TEST(shown() == row.shown);
        BOOST_TEST((key("jws").life == row.old_key));
        BOOST_TEST((key("jws-2").life == row.next_key));
        BOOST_TEST(key("jws").destroy_at.has_value() == (row.step == ended));
        BOOST_TEST(rotations->line_of("jws-2") == "jws");
      }
    }
  BOOST_TEST((*key("jws").destroy_at == clock.now() + hours(2)));
  BOOST_TEST((key("jws").destroy_wait == hours(2)));
}

BOOST_AUTO_TEST_CASE(with_the_registry_of_an_older_hubseald_keys_go_on_as_they_did_and_can_be_rotated) {
  rotations.reset();
  keyring.reset();
  registry.reset();
  {
    Database file = test::must(Database::open(folder / "registry.sqlite"));
    std::int64_t version = 0;
    {
      Statement newest = test::must(file.prepare("PRAGMA user_version"));
      BOOST_REQUIRE(test::must(newest.step()));
      version = newest.integer(0);
    }
    test::must(file.execute(fmt::format("DROP TABLE rotations; ALTER TABLE keys DROP COLUMN algorithm; "
                                        "PRAGMA user_version = {}",
                                        version - 2)
                                .c_str()));
  }
  registry = test::must(Registry::open(folder.path()));
  restart();
  BOOST_TEST(!key("jws").algorithm);
  BOOST_TEST(rotations->list().empty());
  begin("jws-2");
  step({published, activated});
  BOOST_TEST(test::must(rotations->find_signing("jws")).label == "jws-2");
}

BOOST_AUTO_TEST_CASE(a_registry_in_which_a_line_is_a_ring_is_refused_and_nobody_waits_for_its_end) {
  begin("jws-2");
  step({published, activated, retired});
  begin("jws-3");
  test::must(registry->write([](Database& database) -> Result<> {
    return test::must(database.prepare("UPDATE rotations SET predecessor = 'jws-3' WHERE successor = 'jws-2'")).run();
  }));
  const auto opened = Rotations::open(*registry, *keyring, clock);
  BOOST_REQUIRE(!opened);
  BOOST_TEST((opened.error().code == Code::internal));
  BOOST_TEST(opened.error().message.find("jws-3") != std::string::npos, opened.error().message);
}

BOOST_AUTO_TEST_CASE(the_label_of_each_key_stands_for_it_and_those_that_took_over_from_it) {
  begin("jws-2");
  step({published, activated, retired});
  begin("other-name");
  step({published});
  for (const char* label : {"jws", "jws-2"}) BOOST_TEST(rotations->signer_of(label) == "jws-2");
  BOOST_TEST(rotations->signer_of("other-name") == "other-name");
  BOOST_TEST((rotations->find_signing("other-name").error().code == Code::policy_denied));  // not yet
  step({activated});
  for (const char* label : {"jws", "jws-2", "other-name"}) BOOST_TEST(rotations->signer_of(label) == "other-name");
  BOOST_TEST(rotations->line_of("other-name") == "jws");
  BOOST_TEST(rotations->line_of("jws-3") == "jws-3");
}

BOOST_AUTO_TEST_CASE(a_key_that_is_called_like_a_successor_is_of_no_line_but_its_own) {
  test::must(keyring->create("jws-2", KeyType::ec_p256, KeyUse::jws));
  BOOST_TEST(rotations->line_of("jws-2") == "jws-2");
  BOOST_TEST(rotations->signer_of("jws") == "jws");
  begin("jws-3");
  step({published, activated});
  BOOST_TEST(rotations->signer_of("jws-2") == "jws-2");
  BOOST_TEST(rotations->signer_of("jws") == "jws-3");
}

BOOST_AUTO_TEST_CASE(no_step_is_left_out_or_made_twice) {
  begin("jws-2");
  for (const RotationStep to : {published, activated, retired, withdrawn, ended}) {
    const RotationRecord before = now();
    step({to});
    const auto again = rotations->step(before, to, hours(2), [](Database&) -> Result<> { return {}; });
    BOOST_TEST((again.error().code == Code::conflict));
    const auto next = Rotations::next(to);
    for (const RotationStep other : {published, activated, retired, ended})
      if (other != next && !(to == retired && other == ended))
        BOOST_TEST((rotations->check("jws", other).error().code == Code::conflict));
    BOOST_TEST(rotations->check("jws", cancelled).has_value() == (to == published));
  }
  BOOST_TEST(!Rotations::next(ended));
}

BOOST_AUTO_TEST_CASE(what_is_refused_leaves_rotation_and_keys_as_they_were) {
  begin("jws-2");
  step({published});
  const auto refuse = [](Database&) -> Result<> { return fail(Code::conflict, "no"); };
  BOOST_TEST(rotations->step(now(), activated, hours(2), refuse).error().message == "no");
  for (const bool anew : {false, true}) {
    if (anew) restart();
    BOOST_TEST((now().step == published));
    BOOST_TEST((key("jws-2").life == KeyLife::pre_activation));
  }
}

BOOST_AUTO_TEST_CASE(one_rotation_of_a_line_at_a_time_until_the_old_key_is_retired) {
  begin("jws-2");
  for (const RotationStep to : {prepared, published, activated}) {
    if (to != prepared) step({to});
    for (const char* label : {"jws", "jws-2"})
      BOOST_TEST((rotations->check_begin(label).error().code == Code::conflict));
    const auto again = rotations->begin({.predecessor = "jws", .successor = "x", .plan = {}},
                                        [&](const Keyring::Also& also) { return make("x", false, also); });
    BOOST_TEST((again.error().code == Code::conflict));
    BOOST_TEST(!keyring->find_record("x"));
  }
  step({retired});
  BOOST_TEST(test::must(rotations->check_begin("jws")).label == "jws-2");
  begin("jws-3");
}

BOOST_AUTO_TEST_CASE(who_begins_while_another_is_begun_is_refused_before_a_key_is_made) {
  const auto slow = [&](const Keyring::Also& also) {
    BOOST_TEST((rotations->check_begin("jws").error().code == Code::conflict));
    BOOST_TEST((try_step(published).error().code == Code::forbidden));  // there is no key yet
    BOOST_TEST((try_step(cancelled).error().code == Code::forbidden));
    return make("jws-2", false, also);
  };
  test::must(rotations->begin({.predecessor = "jws", .successor = "jws-2", .plan = {}}, slow));
  BOOST_TEST(rotations->list().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_key_that_could_not_be_made_leaves_no_rotation) {
  const auto fails = [](const Keyring::Also&) -> Result<Key> { return fail(Code::hsm_unavailable, "away"); };
  BOOST_TEST(!rotations->begin({.predecessor = "jws", .successor = "jws-2", .plan = {}}, fails));
  BOOST_TEST(rotations->list().empty());
  begin("jws-2");
}

BOOST_AUTO_TEST_CASE(nobody_begins_with_a_label_that_is_taken_which_would_tie_the_line_into_a_ring) {
  const auto refused = [&](const char* predecessor, const char* successor) {
    const auto begun = rotations->begin({.predecessor = predecessor, .successor = successor, .plan = {}},
                                        [&](const Keyring::Also&) -> Result<Key> {
                                          BOOST_FAIL(successor);
                                          return fail(Code::conflict, "");
                                        });
    return begun.error().code == Code::conflict;
  };
  test::must(keyring->create("other", KeyType::ec_p256, KeyUse::jws));
  for (const char* taken : {"jws", "other"}) BOOST_TEST(refused("jws", taken));
  begin("jws-2");
  step({published, activated, retired});
  for (const char* taken : {"jws", "jws-2"}) BOOST_TEST(refused("jws-2", taken));
  const auto slow = [&](const Keyring::Also& also) {
    BOOST_TEST(refused("other", "jws-3"));  // it is being made
    return make("jws-3", false, also);
  };
  test::must(rotations->begin({.predecessor = "jws-2", .successor = "jws-3", .plan = {}}, slow));
  BOOST_TEST(rotations->list().size() == 2U);
  BOOST_TEST(rotations->line_of("jws-3") == "jws");
}

BOOST_AUTO_TEST_CASE(what_was_cancelled_is_shown_and_used_no_more_and_another_can_begin) {
  for (const bool was_published : {false, true}) {
    const std::string next = was_published ? "jws-3" : "jws-2";
    begin(next);
    if (was_published) step({published});
    step({cancelled});
    restart();
    BOOST_TEST(shown() == "jws ");
    BOOST_TEST(rotations->signer_of("jws") == "jws");
    BOOST_TEST(rotations->line_of(next) == next);
    BOOST_TEST(key(next).destroy_at.has_value());
    BOOST_TEST((key(next).life == KeyLife::pre_activation));
  }
  begin("jws-4");
}

BOOST_AUTO_TEST_CASE(nobody_is_shown_a_key_whose_backup_is_not_confirmed) {
  BOOST_TEST((begin("jws-2", kTimed, true).step == prepared));
  BOOST_TEST(due() == 0U);
  BOOST_TEST((rotations->check("jws", published).error().code == Code::policy_denied));
  BOOST_TEST((try_step(published).error().code == Code::policy_denied));
  test::must(keyring->change(
      "jws-2",
      [](KeyRecord& changed) -> Result<> {
        changed.backup = KeyBackup::confirmed;
        return {};
      },
      Grant()));
  BOOST_TEST(due() == 1U);
  step({published});
}

BOOST_AUTO_TEST_CASE(a_next_key_that_is_compromised_takes_nothing_over) {
  begin("jws-2");
  step({published});
  test::must(keyring->change(
      "jws-2", [&](KeyRecord& changed) { return enter_life(changed, KeyLife::compromised, clock.now()); }, Grant()));
  BOOST_TEST((rotations->check("jws", activated).error().code == Code::conflict));
  BOOST_TEST((try_step(activated).error().code == Code::conflict));
  step({cancelled});
  BOOST_TEST(rotations->signer_of("jws") == "jws");
}

BOOST_AUTO_TEST_CASE(a_next_key_that_the_token_does_not_have_takes_nothing_over) {
  begin("jws-2", kTimed);
  token.hide({key("jws-2").id});
  BOOST_TEST(!try_step(activated));
  BOOST_TEST(!rotations->check("jws", activated));
  BOOST_TEST(test::must(rotations->find_signing("jws")).label == "jws");
  BOOST_TEST((key("jws-2").life == KeyLife::pre_activation));
  token.hide({});
  step({activated});
}

BOOST_AUTO_TEST_CASE(a_step_that_people_made_first_is_no_trouble_of_the_rotation) {
  begin("jws-2", kTimed);
  const RotationRecord seen = now();
  step({activated});
  const auto late = rotations->go_on(seen, hours(2));
  rotations->note_trouble(seen, late.error().message);
  BOOST_TEST(rotations->troubles().empty());
  rotations->note_trouble(now(), "the disk is full");
  BOOST_TEST(rotations->troubles().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_line_that_people_have_suspended_signs_again_when_people_say_so_and_at_no_time) {
  begin("jws-2", kTimed);
  const auto bring = [&](KeyLife life) {
    test::must(keyring->change(
        "jws", [&](KeyRecord& changed) { return enter_life(changed, life, clock.now()); }, Grant()));
  };
  bring(KeyLife::suspended);
  pass(hours(48));
  BOOST_TEST_REQUIRE(due() == 1U);
  const auto refused = rotations->go_on(now(), hours(2));
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(refused.error().message.find("\"jws\" is suspended") != std::string::npos, refused.error().message);
  BOOST_TEST((key("jws-2").life == KeyLife::pre_activation));
  BOOST_TEST((now().step == published));
  test::must(rotations->check("jws", activated));  // people may
  bring(KeyLife::active);
  BOOST_TEST((test::must(rotations->go_on(now(), hours(2))).step == activated));
  bring(KeyLife::suspended);  // it signs no more in any case
  BOOST_TEST((test::must(rotations->go_on(now(), hours(2))).step == retired));
}

BOOST_AUTO_TEST_CASE(what_people_did_to_the_old_key_meanwhile_stands_in_the_way_of_no_step) {
  begin("jws-2");
  step({published});
  test::must(keyring->change(
      "jws", [&](KeyRecord& changed) { return enter_life(changed, KeyLife::compromised, clock.now()); }, Grant()));
  step({activated, retired, withdrawn, ended});
  BOOST_TEST((key("jws").life == KeyLife::compromised));
  BOOST_TEST(test::must(rotations->find_signing("jws")).label == "jws-2");
}

BOOST_AUTO_TEST_CASE(an_old_key_is_destroyed_by_nobody_before_its_overlap_is_over_unless_it_is_compromised) {
  begin("jws-2");
  const auto may_go = [&](const char* label) { return rotations->check_may_destroy(key(label)).has_value(); };
  BOOST_TEST(!may_go("jws-2"));  // cancel it
  BOOST_TEST(!rotations->check_may_activate(key("jws-2")));
  for (const RotationStep to : {published, activated, retired}) {
    step({to});
    BOOST_TEST(!may_go("jws"), to_string(to));
    BOOST_TEST((rotations->check("jws", withdrawn).error().code == Code::conflict));  // people cannot hasten it
  }
  BOOST_TEST((rotations->check("jws", ended).error().code == Code::policy_denied));
  KeyRecord stolen = key("jws");
  stolen.compromised_at = clock.now();
  BOOST_TEST(rotations->check_may_destroy(stolen).has_value());
  step({withdrawn});
  BOOST_TEST(may_go("jws"));
  BOOST_TEST(rotations->check_may_activate(key("jws-2")).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
