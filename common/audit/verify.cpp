#include "common/audit/verify.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "common/audit/judgement.h"
#include "common/audit/log_files.h"
#include "common/audit/record_reader.h"
#include "common/audit/stored_hashes.h"
#include "common/files.h"
#include "common/x509/public_key.h"

namespace hubseal::audit {
namespace {

constexpr std::size_t kMaxCheckpoints = std::size_t{1} << 30;  // bytes of the file

struct Key {
  Bytes spki;
  PkeyPtr key;
};

/// Takes the leaf of each record in turn; false ends the reading.
using LeafVisitor = std::function<bool(const Hash& leaf)>;

struct Reading {
  std::size_t torn_bytes = 0;   ///< behind the last record
  std::optional<Fault> broken;  ///< where the files do not go on with the next record
};

/// Every leaf of a copy, in the order of the records.
Result<Reading> each_leaf(const Evidence& evidence, const LeafVisitor& visit) {
  RecordReader reader;
  if (evidence.exported) reader.expect_records_only();
  Reading reading;
  const auto broken = [&](std::uint64_t record, std::string where, std::string problem) {
    reading.broken = {record, record, std::move(where), std::move(problem)};
    return false;
  };
  bool going_on = true;
  for (const LogFile& file : TRY(log_files(evidence.folder))) {
    const std::string name = file.path.filename().string();
    if (going_on && file.first != 0 && file.first != reader.next())
      going_on = broken(reader.next(), name,
                        fmt::format("record {} is missing: this file begins with {}", reader.next(), file.first));
    if (!going_on) break;
    std::size_t line_number = 0;
    TRY(read_lines(file.path, [&](std::string_view line, bool complete) -> Result<bool> {
      ++line_number;
      const std::uint64_t number = reader.next();
      const auto is_record = reader.take(line, complete);
      if (!is_record)
        going_on = broken(number, fmt::format("{}:{}", name, line_number), is_record.error().message);
      else if (*is_record)
        going_on = visit(leaf_hash(as_bytes(line)));
      return going_on;
    }));
  }
  reading.torn_bytes = reader.torn().size();
  return reading;
}

/// What one copy shows.
class Verification {
 public:
  explicit Verification(const Evidence& evidence) : evidence_(evidence) {}

  Result<Verdict> run() {
    for (const Bytes& spki : evidence_.keys) keys_.push_back({spki, TRY(x509::public_key_from_spki(spki))});
    TRY(read_checkpoints());
    verdict_.root = tree_.root();
    if (verdict_.fault) return std::move(verdict_);
    TRY(read_records());
    const bool all_hold = std::all_of(found_.checkpoints.begin(), found_.checkpoints.end(),
                                      [](const Signed& it) { return it.of_records; });
    if (!all_hold || found_.broken) TRY(read_hashes());
    verdict_.fault = judge(found_);
    TRY(tell_what_is_good());
    return std::move(verdict_);
  }

 private:
  void found(std::string where, std::string problem) { verdict_.fault = {0, 0, std::move(where), std::move(problem)}; }

  Result<> read_checkpoints() {
    const auto file = evidence_.folder / kCheckpointsFile;
    const std::string text = TRY(read_file(file, kMaxCheckpoints, Trust::any));
    std::size_t number = 0;
    for (const std::string_view note : split_notes(text))
      if (!add(note, fmt::format("{}, checkpoint {}", file.string(), ++number), false)) return {};
    for (const std::string& note : evidence_.witnessed)
      if (!add(note, "a checkpoint kept elsewhere", true)) return {};
    if (found_.checkpoints.empty())
      return fail(Code::bad_request, file.string() + " holds no checkpoint: nothing vouches for the log");
    std::stable_sort(found_.checkpoints.begin(), found_.checkpoints.end(),
                     [](const Signed& a, const Signed& b) { return a.checkpoint.size < b.checkpoint.size; });
    verdict_.origin = found_.checkpoints.front().checkpoint.origin;
    return {};
  }

  /// False, and the fault is told, where this note is not what the log's own key signed.
  bool add(std::string_view text, const std::string& where, bool kept) {
    const auto note = parse_note(text);
    const auto checkpoint = note ? parse_checkpoint(note->text) : tl::unexpected(note.error());
    if (!checkpoint) {
      found(where, checkpoint.error().message);
      return false;
    }
    const bool genuine = std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) {
      return is_signed_by(*note, checkpoint->origin, key.spki, key.key.get());
    });
    const std::string other = other_signer(*note, checkpoint->origin, evidence_.keys);
    if (!genuine && !other.empty())
      found(where, fmt::format("of size {}, and no audit key signed it: it names the key {}; is the key right?",
                               checkpoint->size, other));
    else if (!genuine)
      found(where, fmt::format("forged: of size {}, and no audit key signed it", checkpoint->size));
    else if (!found_.checkpoints.empty() && found_.checkpoints.front().checkpoint.origin != checkpoint->origin)
      found(where, fmt::format("of another log ({}; wanted {})", checkpoint->origin,
                               found_.checkpoints.front().checkpoint.origin));
    if (!verdict_.fault) found_.checkpoints.push_back({.checkpoint = *checkpoint, .where = where, .kept = kept});
    return !verdict_.fault;
  }

  Result<> read_records() {
    auto due = found_.checkpoints.begin();
    const auto compare = [&] {
      for (; due != found_.checkpoints.end() && due->checkpoint.size == tree_.size(); ++due)
        due->of_records = due->checkpoint.root == tree_.root();
    };
    compare();
    const Reading reading = TRY(each_leaf(evidence_, [&](const Hash& leaf) {
      tree_.append(leaf);
      compare();
      return true;
    }));
    verdict_.torn_bytes = reading.torn_bytes;
    found_.broken = reading.broken;
    found_.records = tree_.size();
    return {};
  }

  /// The stored leaves know which record is wrong, as far as they are those that were signed. What else is stored is
  /// not believed.
  Result<> read_hashes() {
    const auto stored = StoredHashes::open_to_read(evidence_.folder / kHashesFile);
    if (!stored) return {};
    Tree tree;
    for (Signed& it : found_.checkpoints) {
      while (tree.size() < it.checkpoint.size) {
        const auto leaf = stored->read(0, tree.size());
        if (!leaf) break;
        tree.append(*leaf);
      }
      it.of_hashes = tree.size() == it.checkpoint.size && tree.root() == it.checkpoint.root;
    }
    TRY(each_leaf(evidence_, [&](const Hash& leaf) {
      if (found_.common == found_.records) return false;
      const auto wanted = stored->read(0, found_.common);
      if (!wanted || *wanted != leaf) return false;
      ++found_.common;
      return true;
    }));
    return {};
  }

  Result<> tell_what_is_good() {
    verdict_.records = tree_.size();
    if (verdict_.fault && verdict_.fault->record <= tree_.size()) {
      verdict_.records = verdict_.fault->record - 1;
      Tree good;
      TRY(each_leaf(evidence_, [&](const Hash& leaf) {
        if (good.size() < verdict_.records) good.append(leaf);
        return good.size() < verdict_.records;
      }));
      tree_ = std::move(good);
    }
    verdict_.root = tree_.root();
    for (const Signed& it : found_.checkpoints)
      if (it.of_records && it.checkpoint.size <= verdict_.records) {
        ++verdict_.checkpoints;
        verdict_.vouched = it.checkpoint.size;
      }
    return {};
  }

  const Evidence& evidence_;
  std::vector<Key> keys_;
  Findings found_;
  Tree tree_;
  Verdict verdict_;
};

}  // namespace

Result<Verdict> verify(const Evidence& evidence) { return Verification(evidence).run(); }

}  // namespace hubseal::audit
