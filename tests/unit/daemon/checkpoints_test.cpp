#include "daemon/checkpoints.h"

#include <deque>
#include <fstream>
#include <sstream>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/audit/verify.h"
#include "common/x509/public_key.h"
#include "daemon/registry/checkpoint_table.h"
#include "daemon/registry/registry.h"
#include "tests/support/must.h"
#include "tests/support/replace_in.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"
#include "tests/support/witness.h"
#include "tests/unit/daemon/checkpoints_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;
using test::checkpoints::Room;

BOOST_FIXTURE_TEST_SUITE(checkpoints_of_the_log, Room)

BOOST_AUTO_TEST_CASE(a_checkpoint_is_size_and_root_signed_by_the_key_that_the_first_start_made) {
  BOOST_TEST((checkpoints->latest().error().code == Code::not_found));
  record(3);
  must(checkpoints->make());
  const auto latest = must(checkpoints->latest());
  BOOST_TEST(latest.checkpoint.size == log->records());
  BOOST_TEST(to_hex(latest.checkpoint.root) == to_hex(log->tree().root()));
  const Bytes spki = must(checkpoints->public_key());
  const PkeyPtr key = must(x509::public_key_from_spki(spki));
  const audit::SignedNote note = must(audit::parse_note(latest.note));
  BOOST_TEST(audit::is_signed_by(note, "hubseal/test", spki, key.get()));
  audit::SignedNote other = note;
  other.text[other.text.find('\n') + 1] ^= 1;
  BOOST_TEST(!audit::is_signed_by(other, "hubseal/test", spki, key.get()));
  BOOST_TEST((must(keyring->find("hubseal-audit", KeyUse::audit)).type == KeyType::ec_p256));
  BOOST_TEST(!keyring->find("hubseal-audit", KeyUse::jws).has_value());
}

BOOST_AUTO_TEST_CASE(the_log_as_it_was_is_not_signed_twice_and_a_restart_goes_on) {
  record(2);
  must(checkpoints->make());
  const int before = token.signatures;
  must(checkpoints->make());
  BOOST_TEST(token.signatures == before);
  const std::string note = must(checkpoints->latest()).note;
  open();
  BOOST_TEST(must(checkpoints->latest()).note == note);
  BOOST_TEST(reason().empty());
  record(2);
  must(checkpoints->make());
  const audit::Verdict good = verdict();
  BOOST_TEST(!good.fault.has_value());
  BOOST_TEST(good.checkpoints == 2U);
  BOOST_TEST(good.vouched == log->records());
}

BOOST_AUTO_TEST_CASE(one_is_due_after_so_many_records_or_so_long) {
  open({.records = 3, .period = std::chrono::hours(1), .witnesses = {}});
  checkpoints->tick();
  must(checkpoints->make());
  const int before = token.signatures;
  record(2);
  checkpoints->tick();
  BOOST_TEST(token.signatures == before);
  record(1);
  checkpoints->tick();
  BOOST_TEST(token.signatures == before + 1);
  open({.records = 1000, .period = std::chrono::seconds(0), .witnesses = {}});
  record(1);
  checkpoints->tick();
  BOOST_TEST(token.signatures == before + 2);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_be_made_stops_signing_and_the_next_one_lets_it_go_on) {
  open({.records = 1, .period = std::chrono::seconds(0), .witnesses = {}});
  record(1);
  token.gone = true;
  checkpoints->tick();
  checkpoints->tick();
  BOOST_TEST(reason().find("too old") != std::string::npos, reason());
  BOOST_TEST((gate->enter().error().code == Code::storage_unavailable));
  token.gone = false;
  checkpoints->tick();
  BOOST_TEST(reason().empty());
}

// Whatever keeps its thread: when signing ends was said at the start. A period far below zero takes back the time that
// a tick has, so that nobody waits for it here.
BOOST_AUTO_TEST_CASE(signing_ends_in_time_where_no_tick_ever_comes) {
  open({.period = std::chrono::hours(-1), .witnesses = {}});
  BOOST_TEST(reason().find("too old") != std::string::npos, reason());
}

BOOST_AUTO_TEST_CASE(a_log_that_was_changed_behind_its_back_is_not_signed_for_again) {
  record(5);
  must(checkpoints->make());
  close();
  test::must_replace_in(folder.path() / "audit.jsonl", "\"n\":1", "\"n\":7");
  open();
  BOOST_TEST(reason().find("was changed") != std::string::npos, reason());
  BOOST_TEST(!checkpoints->make().has_value());
  checkpoints->tick();
  BOOST_TEST(!reason().empty());
  BOOST_TEST(verdict().fault.has_value());
  close();
  test::must_replace_in(folder.path() / "audit.jsonl", "\"n\":7", "\"n\":1");
  open();
  BOOST_TEST(reason().empty());
}

BOOST_AUTO_TEST_CASE(a_log_that_lost_its_end_is_noticed) {
  record(5);
  must(checkpoints->make());
  close();
  std::stringstream text;
  text << std::ifstream(folder.path() / "audit.jsonl").rdbuf();
  const std::string whole = text.str();
  std::ofstream(folder.path() / "audit.jsonl") << whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1);
  open();
  BOOST_TEST(reason().find("were signed") != std::string::npos, reason());
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_somebody_else_signed_is_noticed) {
  record(1);
  must(checkpoints->make());
  close();
  test::must_replace_in(file, "hubseal/test\n", "hubseal/TEST\n");
  open();
  BOOST_TEST(!reason().empty());
}

BOOST_AUTO_TEST_CASE(checkpoints_that_were_deleted_or_put_back_are_noticed) {
  record(1);
  must(checkpoints->make());
  close();
  std::filesystem::copy_file(file, folder / "older");
  open();
  record(1);
  must(checkpoints->make());
  close();
  std::filesystem::copy_file(file, folder / "newest");
  std::filesystem::remove(file);
  open();
  BOOST_TEST(reason().find("not of one time") != std::string::npos, reason());
  close();
  std::filesystem::copy_file(folder / "older", file, std::filesystem::copy_options::overwrite_existing);
  open();
  BOOST_TEST(reason().find("not of one time") != std::string::npos, reason());
  close();
  std::filesystem::copy_file(folder / "newest", file, std::filesystem::copy_options::overwrite_existing);
  open();
  BOOST_TEST(reason().empty(), reason());
}

BOOST_AUTO_TEST_CASE(a_registry_that_was_put_back_is_noticed) {
  record(1);
  must(checkpoints->make());
  const auto older = must(registry->read(&checkpoint_table::find)).value();
  record(1);
  must(checkpoints->make());
  must(registry->write([&](Database& database) { return checkpoint_table::confirm(database, older.last, false); }));
  open();
  BOOST_TEST(reason().find("not of one time") != std::string::npos, reason());
}

// A crash before or after the file was written: both are of one time.
BOOST_AUTO_TEST_CASE(a_checkpoint_on_its_way_is_no_disagreement) {
  record(1);
  must(checkpoints->make());
  const auto before = must(registry->read(&checkpoint_table::find)).value();
  record(1);
  must(registry->write([&](Database& database) { return checkpoint_table::announce(database, mark()); }));
  open();
  BOOST_TEST(reason().empty(), reason());
  record(1);
  must(checkpoints->make());
  const auto after = must(registry->read(&checkpoint_table::find)).value();
  must(registry->write([&](Database& database) -> Result<> {
    TRY(checkpoint_table::confirm(database, before.last, true));
    return checkpoint_table::announce(database, after.last);
  }));
  open();
  BOOST_TEST(reason().empty(), reason());
}

// Any number of checkpoints may have been announced before one is known to be where it belongs.
BOOST_AUTO_TEST_CASE(several_interrupted_checkpoints_are_no_disagreement) {
  record(1);
  must(checkpoints->make());
  const auto first = must(registry->read(&checkpoint_table::find)).value();
  record(1);
  must(checkpoints->make());
  const auto second = must(registry->read(&checkpoint_table::find)).value();
  record(1);
  // The second one reached log and token, and was never confirmed; a third was announced and came no further.
  must(registry->write([&](Database& database) -> Result<> {
    TRY(checkpoint_table::confirm(database, first.last, true));
    TRY(checkpoint_table::announce(database, second.last));
    return checkpoint_table::announce(database, mark());
  }));
  open();
  BOOST_TEST(reason().empty(), reason());
  record(1);
  must(checkpoints->make());
  BOOST_TEST(must(registry->read(&checkpoint_table::find)).value().announced.empty());
}

// What is announced is on the disk already: a log that ends before it was cut.
BOOST_AUTO_TEST_CASE(a_log_that_is_shorter_than_an_announced_checkpoint_is_told) {
  record(1);
  must(checkpoints->make());
  record(1);
  CheckpointMark longer = mark();
  ++longer.size;
  must(registry->write([&](Database& database) { return checkpoint_table::announce(database, longer); }));
  open();
  BOOST_TEST(reason().find("not of one time") != std::string::npos, reason());
}

BOOST_AUTO_TEST_CASE(an_acceptance_that_was_cut_short_is_one_to_be_given_again) {
  record(1);
  must(checkpoints->make());
  must(registry->write([&](Database& database) {
    return checkpoint_table::confirm(database, {7, Bytes(32, 1)}, true);
  }));
  open();
  record(3);  // those who ask write records
  const auto consent = [&] { return registry->write(&accept_old_state); };
  token.full = true;
  BOOST_TEST(!checkpoints->accept_rollback(consent).has_value());
  record(20);  // a sealed daemon goes on writing
  token.full = false;
  open();
  BOOST_TEST(reason().find("not of one time") != std::string::npos, reason());
  must(checkpoints->accept_rollback(consent));
  BOOST_TEST(!must(registry->read(&checkpoint_table::find_old_state)).has_value());
  open();
  BOOST_TEST(reason().empty(), reason());
}

BOOST_AUTO_TEST_CASE(a_token_that_cannot_sign_costs_no_consent_to_a_rollback) {
  record(1);
  must(checkpoints->make());
  must(registry->write([&](Database& database) {
    return checkpoint_table::confirm(database, {7, Bytes(32, 1)}, true);
  }));
  open();
  BOOST_REQUIRE(!reason().empty());
  int consents = 0;
  const auto consent = [&]() -> Result<> {
    ++consents;
    return {};
  };
  token.gone = true;
  BOOST_TEST(!checkpoints->accept_rollback(consent).has_value());
  BOOST_TEST(consents == 0);
  BOOST_TEST(!reason().empty());
  token.gone = false;
  const auto no_consent = [] { return Result<>(fail(Code::conflict, "used by somebody else")); };
  BOOST_TEST(!checkpoints->accept_rollback(no_consent).has_value());
  open();
  BOOST_TEST(!reason().empty());
  must(checkpoints->accept_rollback(consent));
  BOOST_TEST(consents == 1);
  BOOST_TEST(reason().empty(), reason());
}

BOOST_AUTO_TEST_CASE(what_was_decided_is_signed_for_at_the_next_tick) {
  open({.records = 1000, .period = std::chrono::hours(1), .witnesses = {}});
  must(checkpoints->make());
  const int before = token.signatures;
  record(1);
  checkpoints->tick();
  BOOST_TEST(token.signatures == before);
  checkpoints->hasten();
  token.gone = true;
  checkpoints->tick();
  token.gone = false;
  checkpoints->tick();  // and is not forgotten where it could not be
  BOOST_TEST(token.signatures == before + 2);
  checkpoints->tick();
  BOOST_TEST(token.signatures == before + 2);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_a_crash_cut_off_is_taken_away) {
  record(1);
  must(checkpoints->make());
  const std::string note = must(checkpoints->latest()).note;
  std::ofstream(file, std::ios::app) << "hubseal/test\n7\nAAAA";
  open();
  BOOST_TEST(must(checkpoints->latest()).note == note);
  record(1);
  must(checkpoints->make());
  BOOST_TEST(verdict().checkpoints == 2U);
}

BOOST_AUTO_TEST_CASE(cosignatures_of_known_witnesses_are_kept_and_no_others) {
  const test::Witness known("regulator.example"), unknown("stranger.example");
  open({.witnesses = {must(audit::Witness::parse(known.verifier_key()))}});
  record(1);
  must(checkpoints->make());
  const std::string note = must(checkpoints->latest()).note;
  BOOST_TEST((checkpoints->add_cosignatures(note).error().code == Code::bad_request));
  BOOST_TEST((checkpoints->add_cosignatures(unknown.cosign(note, 1)).error().code == Code::bad_request));
  std::string altered = known.cosign(note, 1);
  altered[altered.rfind('A')] ^= 1;
  (void)checkpoints->add_cosignatures(altered);
  BOOST_TEST(must(checkpoints->latest()).note.find("regulator") == std::string::npos);

  BOOST_TEST(must(checkpoints->add_cosignatures(known.cosign(note, 1764150000))).front() == "regulator.example");
  const audit::SignedNote cosigned = must(audit::parse_note(must(checkpoints->latest()).note));
  BOOST_TEST(cosigned.signatures.size() == 2U);
  BOOST_TEST(audit::cosigned_at(cosigned, must(audit::Witness::parse(known.verifier_key()))).value() == 1764150000U);
  must(checkpoints->add_cosignatures(known.cosign(note, 1764150060)));  // again: it replaces the first
  BOOST_TEST(must(audit::parse_note(must(checkpoints->latest()).note)).signatures.size() == 2U);
  BOOST_TEST(!verdict().fault.has_value());

  record(1);
  must(checkpoints->make());
  BOOST_TEST((checkpoints->add_cosignatures(known.cosign(note, 1)).error().code == Code::conflict));
}

BOOST_AUTO_TEST_CASE(what_as_many_witnesses_cosign_as_may_be_configured_can_be_read_back) {
  Checkpoints::Settings settings;
  std::deque<test::Witness> witnesses;
  for (int n = 0; n < 16; ++n) {
    witnesses.emplace_back("w" + std::to_string(n) + ".example");
    settings.witnesses.push_back(must(audit::Witness::parse(witnesses.back().verifier_key())));
  }
  open(settings);
  record(1);
  must(checkpoints->make());
  const std::string note = must(checkpoints->latest()).note;
  for (const test::Witness& witness : witnesses) must(checkpoints->add_cosignatures(witness.cosign(note, 1764150000)));
  open(settings);
  BOOST_TEST(must(audit::parse_note(must(checkpoints->latest()).note)).signatures.size() == 17U);
  BOOST_TEST(!verdict().fault.has_value());
}

BOOST_AUTO_TEST_CASE(a_cosignature_that_is_known_or_older_writes_nothing) {
  const test::Witness known("regulator.example");
  open({.witnesses = {must(audit::Witness::parse(known.verifier_key()))}});
  record(1);
  must(checkpoints->make());
  const std::string note = must(checkpoints->latest()).note;
  must(checkpoints->add_cosignatures(known.cosign(note, 1764150060)));
  const auto size = std::filesystem::file_size(file);
  for (const std::uint64_t time : {1764150060U, 1764150000U})
    BOOST_TEST(must(checkpoints->add_cosignatures(known.cosign(note, time))).front() == "regulator.example");
  BOOST_TEST(std::filesystem::file_size(file) == size);
  const audit::SignedNote kept = must(audit::parse_note(must(checkpoints->latest()).note));
  BOOST_TEST(audit::cosigned_at(kept, must(audit::Witness::parse(known.verifier_key()))).value() == 1764150060U);
}

BOOST_AUTO_TEST_CASE(a_verifier_key_is_name_id_and_key_that_belong_together) {
  const std::string good = test::Witness("w.example").verifier_key();
  BOOST_TEST(audit::Witness::parse(good).has_value());
  std::string other_name = good, other_id = good;
  other_name[0] = 'x';
  char& digit = other_id[other_id.find('+') + 1];
  digit = digit == '0' ? '1' : '0';
  for (const std::string& bad :
       {other_name, other_id, std::string("w.example"), good + "A", std::string("+00000000+AAAA")})
    BOOST_TEST(!audit::Witness::parse(bad).has_value(), bad);
}

BOOST_AUTO_TEST_SUITE_END()
