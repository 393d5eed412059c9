// What is of another time, how it is told, and what a crash between any two steps leaves. Put-back folders, people and
// processes are in tests/integration/rollback.py and rollback_parts.py.
#include "daemon/rollback_guard.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/replace_in.h"
#include "tests/unit/daemon/checkpoints_room.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;
namespace fs = std::filesystem;

namespace {

constexpr fs::copy_options kOver = fs::copy_options::overwrite_existing;

struct Room : test::checkpoints::Room {
  const fs::path registry_file = registry_folder.path() / "registry.sqlite";
  const fs::path log_file = folder.path() / "audit.jsonl";
  test::TempDir kept;

  /// Nothing is open after it.
  void shut() {
    close();
    registry.reset();
  }
  void keep_registry() {
    shut();
    fs::copy_file(registry_file, kept / "registry", kOver);
    registry = must(Registry::open(registry_folder.path()));
    open();
  }
  void put_registry_back() {
    shut();
    fs::copy_file(kept / "registry", registry_file, kOver);
    registry = must(Registry::open(registry_folder.path()));
  }
  void lose_log() {
    close();
    fs::remove(log_file);
    fs::remove(folder.path() / "tree.hashes");
  }
  /// Registry and log are of different times.
  void make_older() {
    must(registry->write([](Database& database) {
      return checkpoint_table::confirm(database, {700, Bytes(32, 1)}, true);
    }));
  }
  void decide() {
    change();
    checkpoints->hasten();
    checkpoints->tick();
  }
  /// As while the log is changed, when no checkpoint is made.
  void decide_unsigned() {
    for (int n = 0; n < 3; ++n) change();
    RollbackGuard guard(*registry, token, kOrigin, true);
    must(guard.read());
    must(guard.note_decisions(false));
  }
  std::string in_token() { return std::string(as_text(must(token.read_data(kOrigin)).at(0))); }
  std::optional<OldState> old_state() { return must(registry->read(&checkpoint_table::find_old_state)); }
};

const Checkpoints::Settings kReadLater{.witnesses = {}, .check_at_start = std::chrono::milliseconds(0)};
const Checkpoints::Settings kByTheOwner{.begin_anew = true, .witnesses = {}};
const auto kNoQuestions = [] { return Result<>(); };

bool holds(const std::string& text, const std::string& word) { return text.find(word) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(rollback_guard, Room)

BOOST_AUTO_TEST_CASE(an_empty_log_is_refused_where_the_registry_has_seen_records_also_before_any_checkpoint) {
  record(3);
  change();
  lose_log();
  const std::uint64_t changes = registry->changes();
  const auto refused = start();
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == Code::conflict));
  BOOST_TEST(holds(refused.error().message, "the registry knows of one"), refused.error().message);
  BOOST_TEST((refuse_empty_log(*registry, *log).error().code == Code::conflict));
  BOOST_TEST(registry->changes() == changes);  // nothing was written
  must(start(kByTheOwner));
}

BOOST_AUTO_TEST_CASE(an_empty_log_is_refused_where_the_token_remembers_records) {
  record(3);
  must(checkpoints->make());
  lose_log();
  registry.reset();
  fs::remove(registry_file);  // as one of before the first checkpoint
  registry = must(Registry::open(registry_folder.path()));
  const auto refused = start();
  BOOST_REQUIRE(!refused);
  BOOST_TEST(holds(refused.error().message, "the token knows of one"), refused.error().message);
}

BOOST_AUTO_TEST_CASE(an_empty_log_of_which_nobody_knows_begins) {
  lose_log();
  registry.reset();
  fs::remove(registry_file);
  registry = must(Registry::open(registry_folder.path()));
  must(start());
}

// Decisions in a state of which only the checkpoints were away; then they are back, and all is of one time.
BOOST_AUTO_TEST_CASE(the_newest_is_not_blamed_for_what_was_decided_while_it_was_not_whole) {
  record(2);
  must(checkpoints->make());
  close();
  fs::copy_file(file, kept / "checkpoints");
  fs::remove(file);
  open();
  BOOST_TEST(holds(reason(), "not of one time"), reason());
  decide();
  BOOST_TEST(!in_token().ends_with(" 0"), in_token());
  close();
  fs::copy_file(kept / "checkpoints", file, kOver);
  token.full = true;  // a crash at this place: nothing is forgotten before the token has forgotten it
  BOOST_TEST(!start().has_value());
  token.full = false;
  open();
  BOOST_TEST(reason().empty(), reason());
  BOOST_TEST(in_token().ends_with(" 0"), in_token());
  open();
  BOOST_TEST(reason().empty(), reason());
}

BOOST_AUTO_TEST_CASE(what_was_decided_then_is_still_missed_when_the_registry_is_put_back) {
  record(2);
  must(checkpoints->make());
  keep_registry();
  close();
  fs::copy_file(file, kept / "checkpoints");
  fs::remove(file);
  open();
  for (int n = 0; n < 5; ++n) decide();
  close();
  fs::copy_file(kept / "checkpoints", file, kOver);
  open();
  BOOST_TEST(reason().empty(), reason());
  put_registry_back();
  open();
  BOOST_TEST(holds(reason(), "the token knows of"), reason());
}

BOOST_AUTO_TEST_CASE(a_start_that_ends_before_it_has_compared_hides_nothing_from_the_next) {
  record(2);
  must(checkpoints->make());
  keep_registry();
  decide_unsigned();
  put_registry_back();
  fs::rename(file, kept / "checkpoints");
  fs::create_directory(file);
  for (int n = 0; n < 10; ++n) BOOST_TEST(!start().has_value());
  fs::remove(file);
  fs::rename(kept / "checkpoints", file);
  open();
  BOOST_TEST(holds(reason(), "the token knows of"), reason());
}

// What is told first must not hide the rest until its count has risen.
BOOST_AUTO_TEST_CASE(a_registry_that_was_put_back_is_told_also_where_the_checkpoints_were_away_first) {
  record(2);
  must(checkpoints->make());
  keep_registry();
  decide_unsigned();
  put_registry_back();
  fs::rename(file, kept / "checkpoints");
  open();
  BOOST_TEST(holds(reason(), "the audit log holds no checkpoint"), reason());
  for (int n = 0; n < 10; ++n) change();
  close();
  fs::rename(kept / "checkpoints", file);
  open();
  BOOST_TEST(holds(reason(), "the token knows of"), reason());
}

BOOST_AUTO_TEST_CASE(where_somebody_was_faster_nothing_is_left_to_accept) {
  record(1);
  must(checkpoints->make());
  make_older();
  open();
  int consents = 0;
  const auto consent = [&]() -> Result<> {
    ++consents;
    return {};
  };
  must(checkpoints->accept_rollback(consent));
  const auto again = checkpoints->accept_rollback(consent);
  BOOST_REQUIRE(!again);
  BOOST_TEST((again.error().code == Code::conflict));
  BOOST_TEST(holds(again.error().message, "nothing is left to accept"), again.error().message);
  BOOST_TEST(consents == 1);
}

BOOST_AUTO_TEST_CASE(a_log_without_its_end_is_told_as_it_was_found_also_when_it_has_grown_again) {
  record(1);
  must(checkpoints->make());
  record(4);
  const std::uint64_t seen = log->records();
  change();
  close();
  std::stringstream text;
  text << std::ifstream(log_file).rdbuf();
  std::string whole = text.str();
  whole.erase(whole.rfind('\n', whole.size() - 2) + 1);
  std::ofstream(log_file) << whole;
  const std::string words = "ended with record " + std::to_string(seen - 1) +
                            " at a start, and the registry had seen " + std::to_string(seen);
  for (int n = 0; n < 2; ++n) {
    open();
    BOOST_TEST(holds(reason(), words), reason());
    record(5);
  }
}

BOOST_AUTO_TEST_CASE(what_an_earlier_hubseald_left_in_the_token_is_told_as_that) {
  record(1);
  must(checkpoints->make());
  must(token.write_data(kOrigin, as_bytes(std::string_view("4 0f"))));
  open();
  BOOST_TEST(holds(reason(), "the token something that cannot be read (an earlier hubseald wrote it?)"), reason());
}

BOOST_AUTO_TEST_CASE(with_the_checkpoint_of_an_acceptance_the_old_state_is_known_no_more) {
  RollbackGuard guard(*registry, token, kOrigin, true);
  must(guard.read());
  const OldState found{"", log->found(), Bytes(32, 1), registry->changes()};
  must(guard.note(found));
  must(guard.announce(mark()));
  must(guard.confirm(mark()));
  BOOST_TEST(!guard.old_state().has_value());
  must(guard.note(found));  // a log that is found to be changed after it
  BOOST_TEST(old_state().has_value());
}

BOOST_AUTO_TEST_CASE(an_owner_who_is_interrupted_begins_again) {
  record(1);
  must(checkpoints->make());
  must(token.keys.write_data("hubseal/other", as_bytes(std::string_view("1"))));
  make_older();
  open(kByTheOwner);
  token.stuck = true;  // others are not forgotten
  BOOST_TEST(!checkpoints->accept_rollback(kNoQuestions).has_value());
  token.stuck = false;
  open();
  BOOST_TEST(holds(reason(), "not of one time"), reason());
  open(kByTheOwner);
  must(checkpoints->accept_rollback(kNoQuestions));
  BOOST_TEST((must(token.data_labels()) == std::vector<std::string>{kOrigin}));
}

// Found beside the work, after checkpoints of which the start knew nothing.
BOOST_AUTO_TEST_CASE(a_log_that_was_changed_is_well_again_once_it_is_restored) {
  file_bytes = 1;
  open();
  record(9);
  must(checkpoints->make());
  close();
  const auto third = folder.path() / "audit-000000000003.jsonl";
  test::must_replace_in(third, "\"n\":", "\"n\":1");
  open(kReadLater);
  BOOST_TEST(reason().empty(), reason());
  for (int n = 0; n < 5; ++n) change();
  record(1);
  must(checkpoints->make());
  for (int n = 0; n < 20; ++n) checkpoints->tick();
  BOOST_TEST(holds(reason(), "was changed"), reason());
  BOOST_TEST(old_state().has_value());
  change();
  record(2);  // says no more changes than were noted
  close();
  test::must_replace_in(third, "\"n\":1", "\"n\":");
  open();
  BOOST_TEST(reason().empty(), reason());
}

// The same of a state that is older besides: what may be said of changes is what was noted first.
BOOST_AUTO_TEST_CASE(a_changed_log_in_an_older_state_says_no_more_changes_than_were_found) {
  file_bytes = 1;
  open();
  record(9);
  must(checkpoints->make());
  const CheckpointMark newest = must(registry->read(&checkpoint_table::find)).value().last;
  make_older();
  close();
  const auto third = folder.path() / "audit-000000000003.jsonl";
  test::must_replace_in(third, "\"n\":", "\"n\":1");
  open(kReadLater);
  BOOST_TEST(gate->reasons().size() == 2U);
  for (int n = 0; n < 5; ++n) change();
  record(2);
  must(registry->write([&](Database& database) { return checkpoint_table::confirm(database, newest, true); }));
  close();
  test::must_replace_in(third, "\"n\":1", "\"n\":");
  open();
  BOOST_TEST(reason().empty(), reason());
}

// Where the disk gives none, the start ends without a verdict.
BOOST_AUTO_TEST_CASE(an_older_state_is_not_accepted_before_its_log_has_been_read) {
  file_bytes = 1;
  open();
  record(9);
  must(checkpoints->make());
  make_older();
  close();
  const auto third = folder.path() / "audit-000000000003.jsonl";
  fs::rename(third, kept / "third");
  fs::create_directory(third);
  open(kReadLater);
  int consents = 0;
  const auto consent = [&]() -> Result<> {
    ++consents;
    return {};
  };
  const auto refused = checkpoints->accept_rollback(consent);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == Code::storage_unavailable));
  BOOST_TEST(holds(refused.error().message, "have not all been read"), refused.error().message);
  BOOST_TEST(!checkpoints->may_be_accepted().has_value());
  BOOST_TEST(!checkpoints->refuse_altered().has_value());  // as --accept-state asks
  BOOST_TEST(consents == 0);
  fs::remove(third);
  fs::rename(kept / "third", third);
  for (int n = 0; n < 20; ++n) checkpoints->tick();
  must(checkpoints->may_be_accepted());
  must(checkpoints->accept_rollback(consent));
  BOOST_TEST(reason().empty(), reason());
}

BOOST_AUTO_TEST_CASE(a_start_that_looks_for_lost_work_says_how_far_it_is) {
  record(5);
  close();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> told;
  log = must(AuditLog::open(folder.path(), clock, file_bytes,
                            [&](std::uint64_t records, std::uint64_t of) { told.emplace_back(records, of); }));
  told.clear();
  must(note_lost_work(*registry, *log));
  BOOST_TEST((told == std::vector{std::pair(std::uint64_t{0}, log->found())}));  // what is left; nothing at the end
  close();
}

// As hubseald of then left it: its old state says nothing of changes, its log all of them.
BOOST_AUTO_TEST_CASE(an_old_state_that_was_noted_without_a_count_has_the_one_of_its_migration) {
  must(registry->write([](Database& database) {
    return checkpoint_table::note_old_state(database, {"", 1, Bytes(32, 1), 1});
  }));
  const std::uint64_t changes = registry->changes();
  shut();
  must(must(Database::open(registry_file))
           .execute("ALTER TABLE old_state DROP COLUMN changes; ALTER TABLE old_state DROP COLUMN root; "
                    "ALTER TABLE changes DROP COLUMN records; ALTER TABLE keys DROP COLUMN destruction_begun; "
                    "ALTER TABLE approvals DROP COLUMN reason; DROP TABLE policy_texts; "
                    "ALTER TABLE keys DROP COLUMN algorithm; DROP TABLE rotations; "
                    "PRAGMA user_version = 17"));
  registry = must(Registry::open(registry_folder.path()));
  BOOST_TEST(old_state().value().changes == changes);
}

BOOST_AUTO_TEST_SUITE_END()
