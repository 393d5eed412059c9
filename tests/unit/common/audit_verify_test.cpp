#include "common/audit/judgement.h"
#include "common/audit/verify.h"

#include <algorithm>
#include <fstream>
#include <random>

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>

#include "common/audit/log_files.h"
#include "common/key_types.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::audit;
using test::must;

namespace {

/// What a record says; its number is given where it is written.
using History = std::vector<std::string>;
using Range = std::pair<std::uint64_t, std::uint64_t>;

std::vector<std::string> lines_of(const History& history) {
  std::vector<std::string> lines;
  for (const std::string& word : history)
    lines.push_back(fmt::format(R"({{"seq":{},"time":"2026-11-26T09:00:00Z","event":"{}"}})", lines.size() + 1, word));
  return lines;
}

/// A history that goes on as `word` from record `from` on.
History forked(History history, std::uint64_t from, const std::string& word) {
  for (std::uint64_t n = from; n <= history.size(); ++n) history[n - 1] = fmt::format("{} {}", word, n);
  return history;
}

/// The first record in which they differ.
std::uint64_t first_difference(const History& one, const History& other) {
  const auto ends = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  return static_cast<std::uint64_t>(ends.first - one.begin()) + 1;
}

/// A copy of a log, and the key with which each history was signed.
struct Copy {
  Copy() : key(must(token.generate_key(KeyType::ec_p256, "audit"))) {}

  std::string note(const History& history, std::uint64_t size) {
    Tree tree;
    const auto lines = lines_of(history);
    for (std::uint64_t n = 0; n < size; ++n) tree.append(leaf_hash(as_bytes(lines.at(n))));
    return sign({"hubseal/test", size, tree.root()});
  }
  std::string sign(const Checkpoint& checkpoint) {
    SignedNote made{text_of(checkpoint), {}};
    const Bytes raw = must(token.sign(key.id, SignatureAlgorithm::ecdsa_sha256, as_bytes(made.text)));
    made.signatures.push_back({checkpoint.origin, ecdsa_signer_id(key.spki), must(ecdsa_raw_to_der(raw))});
    return to_text(made);
  }
  void write(std::string_view name, const std::string& content) {
    std::ofstream(folder / name, std::ios::binary) << content;
  }
  void records(const std::vector<std::string>& lines) {
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    write(kCurrentFile, all);
  }
  void stored(const History& history) {
    std::string hashes;
    Tree tree;
    for (const std::string& line : lines_of(history))
      tree.append(leaf_hash(as_bytes(line)), [&](const Hash& hash) { hashes.append(hash.begin(), hash.end()); });
    write(kHashesFile, hashes);
  }
  void checkpoints(const std::vector<std::string>& notes) {
    std::string all;
    for (const std::string& text : notes) all += text + "\n";
    write(kCheckpointsFile, all);
  }
  Verdict verdict(std::vector<std::string> kept = {}) {
    return must(verify({.folder = folder.path(), .keys = {key.spki}, .witnessed = std::move(kept)}));
  }
  /// Found in exactly these records, and everything before them is good.
  void finds(Range wanted, const std::string& words, std::vector<std::string> kept = {}) {
    const Verdict told = verdict(std::move(kept));
    BOOST_REQUIRE(told.fault.has_value());
    BOOST_TEST(told.fault->record == wanted.first, told.fault->problem);
    BOOST_TEST(told.fault->last == wanted.second, told.fault->problem);
    BOOST_TEST(told.fault->problem.find(words) != std::string::npos, told.fault->problem);
    BOOST_TEST(told.records == wanted.first - 1);
    BOOST_TEST(told.vouched <= told.records);
  }

  test::TempDir folder;
  test::SoftwareSigner token;
  hsm::KeyInfo key;
  const History good = forked(History(10), 1, "good"), other = forked(good, 3, "other");
};

struct Change {
  const char* name;
  std::vector<std::string> lines;
  Range with_hashes, without;
  const char* words;
};

/// Of the log of ten records with checkpoints of two, five and ten, of which the fourth was changed.
std::vector<Change> changes_of(const History& good) {
  History edited = good, deleted = good, inserted = good, reordered = good;
  edited[3] = "edited";
  deleted.erase(deleted.begin() + 3);
  inserted.insert(inserted.begin() + 3, "inserted");
  std::swap(reordered[3], reordered[4]);
  const auto lines = lines_of(good);
  auto less = lines, more = lines, turned = lines;
  less.erase(less.begin() + 3);
  more.insert(more.begin() + 3, lines[2]);
  std::swap(turned[3], turned[4]);
  const Range fourth{4, 4}, since_two{3, 5};
  return {{"edited", lines_of(edited), fourth, since_two, "not"},
          {"deleted", less, fourth, fourth, "record 4 is missing here; found is record 5"},
          {"deleted, renumbered", lines_of(deleted), fourth, since_two, "not"},
          {"inserted", more, fourth, fourth, "record 4 is missing here; found is record 3"},
          {"inserted, renumbered", lines_of(inserted), fourth, since_two, "not"},
          {"reordered", turned, fourth, fourth, "record 4 is missing here; found is record 5"},
          {"reordered, renumbered", lines_of(reordered), fourth, since_two, "not"}};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(audit_verify, Copy)

BOOST_AUTO_TEST_CASE(each_change_is_named_by_its_record_where_the_hashes_are_there_and_else_by_what_is_proven) {
  checkpoints({note(good, 2), note(good, 5), note(good, 10)});
  for (const Change& change : changes_of(good)) {
    BOOST_TEST_CONTEXT(change.name) {
      records(change.lines);
      std::filesystem::remove(folder / kHashesFile);
      finds(change.without, change.words);
      stored(good);
      finds(change.with_hashes, change.words);
      // Hashes that are not those that were signed are not believed.
      stored(forked(good, 2, "changed"));
      finds(change.without, change.words);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_log_that_ends_too_early_was_cut_or_has_new_numbers_and_the_hashes_know_which) {
  checkpoints({note(good, 2), note(good, 10)});
  History deleted = good;
  deleted.erase(deleted.begin() + 3);
  records(lines_of(deleted));
  finds({3, 10}, "one of records 3 to 10 is missing, or is not what was signed");
  stored(good);
  finds({4, 4}, "record 4 is not the one that was signed");
  auto lines = lines_of(good);
  lines.pop_back();
  records(lines);
  finds({10, 10}, "truncated: the log ends with record 9, and 10 are signed");
  lines.resize(2);
  records(lines);
  std::filesystem::remove(folder / kHashesFile);
  finds({3, 3}, "truncated: the log ends with record 2, and 10 are signed");
}

BOOST_AUTO_TEST_CASE(a_record_before_the_one_that_is_missing_was_changed_as_well) {
  checkpoints({note(good, 10)});
  History edited = good;
  edited[1] = "edited";
  auto lines = lines_of(edited);
  lines.erase(lines.begin() + 7);
  records(lines);
  finds({8, 8}, "record 8 is missing");
  stored(good);
  finds({2, 2}, "record 2 is not the one that was signed");
}

BOOST_AUTO_TEST_CASE(where_only_others_checkpoints_speak_against_a_record_it_was_changed_late_or_is_of_a_fork) {
  records(lines_of(forked(good, 7, "edited")));
  checkpoints({note(good, 2), note(good, 5)});
  finds({1, 10}, "one of records 1 to 10 is not what was signed (changed after record 5, or a fork)", {note(good, 10)});
  finds({3, 10}, "one of records 3 to 10 is not what was signed (changed after record 5, or a fork)",
        {note(good, 10), note(good, 2)});
  finds({6, 10}, "one of records 6 to 10 is not what was signed (changed, or a fork)", {note(good, 10), note(good, 5)});
  stored(good);
  finds({7, 7}, "record 7 is not the one that was signed", {note(good, 10)});
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_another_history_is_a_fork_whatever_its_size) {
  records(lines_of(good));
  checkpoints({note(good, 2), note(good, 5), note(good, 10)});
  for (const bool with_hashes : {false, true}) {
    if (with_hashes) stored(good);  // they are of the same history, and tell nothing of the other one
    for (const std::uint64_t size : {5U, 7U, 10U}) {
      BOOST_TEST_CONTEXT(size) {
        const std::string words = fmt::format("a fork: two histories were signed, and one of records 1 to {}", size);
        finds({1, size}, words, {note(other, size)});
        // Who kept more knows more.
        finds({3, size}, fmt::format("a fork: two histories were signed, and one of records 3 to {}", size),
              {note(other, size), note(other, 2)});
      }
    }
    finds({3, 3}, "a fork: two histories were signed, and record 3 is the first", {note(other, 3), note(other, 2)});
    BOOST_TEST(!verdict({note(other, 2)}).fault.has_value());
  }
}

BOOST_AUTO_TEST_CASE(the_hashes_of_the_other_history_tell_where_a_fork_begins) {
  records(lines_of(good));
  stored(other);
  checkpoints({note(good, 2), note(good, 5), note(good, 10)});
  finds({3, 3}, "a fork: two histories were signed, and record 3 is the first", {note(other, 7)});
  // The records were signed until the fifth, and the hashes to the end.
  checkpoints({note(good, 2), note(good, 5)});
  finds({3, 3}, "a fork: two histories were signed, and record 3 is the first", {note(other, 10)});
}

BOOST_AUTO_TEST_CASE(two_checkpoints_of_one_size_are_a_fork_whatever_the_records_are) {
  records(lines_of(forked(good, 2, "neither")));
  checkpoints({note(good, 5), note(other, 5)});
  finds({1, 5}, "a fork");
  checkpoints({note(good, 5)});
  finds({1, 5}, "a fork", {note(other, 5)});
}

BOOST_AUTO_TEST_CASE(who_kept_a_checkpoint_of_each_history_is_told_nothing_of_where_they_part) {
  records(lines_of(good));
  checkpoints({note(good, 10)});
  finds({1, 7}, "a fork", {note(good, 5), note(other, 7), note(good, 10)});
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_no_key_signed_is_forged_and_accuses_no_record) {
  records(lines_of(good));
  std::string forged = note(good, 10);
  forged.replace(forged.find("\n10\n"), 4, "\n9\n");
  checkpoints({note(good, 2), forged});
  const Verdict told = verdict();
  BOOST_REQUIRE(told.fault.has_value());
  BOOST_TEST(told.fault->record == 0U);
  BOOST_TEST(told.fault->last == 0U);
  BOOST_TEST(told.fault->problem == "forged: of size 9, and no audit key signed it");
  BOOST_TEST(told.fault->where.ends_with("checkpoints, checkpoint 2"));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_no_records_has_the_root_of_none) {
  records(lines_of(good));
  checkpoints({note(good, 0), note(good, 10)});
  BOOST_TEST(!verdict().fault.has_value());
  checkpoints({sign({"hubseal/test", 0, Hash{1}}), note(good, 10)});
  const Verdict told = verdict();
  BOOST_REQUIRE(told.fault.has_value());
  BOOST_TEST(told.fault->problem == "not a checkpoint: a root of records, and a size of 0");
  BOOST_TEST(told.fault->where.ends_with("checkpoints, checkpoint 1"));
}

BOOST_AUTO_TEST_CASE(whatever_was_signed_and_stored_the_first_record_that_differs_is_among_those_that_are_named) {
  std::mt19937 random(1);
  const auto up_to = [&](std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(1, most)(random); };
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t at = up_to(10);
    const History second = forked(good, at, "second");
    const bool is_fork = round % 2 == 0;
    records(lines_of(is_fork ? good : second));
    std::filesystem::remove(folder / kHashesFile);
    if (up_to(3) == 1) stored(is_fork ? second : good);
    std::vector<std::string> own{note(good, 10)}, kept;
    for (int n = 0; n < 2; ++n) own.push_back(note(good, up_to(10)));
    const std::uint64_t earlier = up_to(10), later = up_to(10);
    for (const std::uint64_t size : {earlier, later}) kept.push_back(note(is_fork ? second : good, size));
    checkpoints(own);
    const Verdict told = verdict(kept);
    const std::uint64_t first = first_difference(good, second);
    BOOST_TEST_CONTEXT("round " << round << ", differs at " << first) {
      const bool shown = !is_fork || std::max(earlier, later) >= first;
      BOOST_REQUIRE(told.fault.has_value() == shown);
      if (!shown) continue;
      BOOST_TEST(told.fault->record <= first);
      BOOST_TEST(first <= told.fault->last);
      BOOST_TEST((told.fault->problem.find("a fork: ") == 0) == is_fork);
    }
  }
}

// Readings of two times: the checkpoint holds of the records as they were, and of the hashes as they are.
BOOST_AUTO_TEST_CASE(files_that_change_while_they_are_read_are_a_fault_and_no_crash) {
  Signed holds{.checkpoint = {}, .where = "checkpoint 1", .of_records = true, .of_hashes = true};
  holds.checkpoint.size = 10;
  BOOST_TEST(judge({.checkpoints = {holds}, .records = 10, .common = 5, .broken = {}}).value().record == 6);
  holds.of_records = false;
  holds.checkpoint.size = 4;
  BOOST_TEST(judge({.checkpoints = {holds}, .records = 10, .common = 3, .broken = {}}).value().record == 4);
}

BOOST_AUTO_TEST_SUITE_END()
