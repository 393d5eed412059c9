#include "common/audit/verify.h"

#include <algorithm>

#include <fmt/format.h>

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

/// A checkpoint that is signed, and where it stands.
struct Signed {
  Checkpoint checkpoint;
  std::string where;
};

/// One pass over a log.
class Verification {
 public:
  explicit Verification(const Evidence& evidence) : evidence_(evidence) {}

  Result<Verdict> run() {
    for (const Bytes& spki : evidence_.keys) keys_.push_back({spki, TRY(x509::public_key_from_spki(spki))});
    TRY(read_checkpoints());
    if (!verdict_.fault) TRY(read_records());
    if (!verdict_.fault) check_end();
    verdict_.root = tree_.root();
    return std::move(verdict_);
  }

 private:
  void found(std::uint64_t record, std::string where, std::string problem) {
    verdict_.fault = {record, std::move(where), std::move(problem)};
  }

  Result<> read_checkpoints() {
    const auto file = evidence_.folder / kCheckpointsFile;
    const std::string text = TRY(read_file(file, kMaxCheckpoints, Trust::any));
    std::size_t number = 0;
    for (const std::string_view note : split_notes(text))
      if (!add(note, fmt::format("{}, checkpoint {}", file.string(), ++number))) return {};
    for (const std::string& note : evidence_.witnessed)
      if (!add(note, "a checkpoint kept elsewhere")) return {};
    if (signed_.empty())
      return fail(Code::bad_request, file.string() + " holds no checkpoint: nothing vouches for the log");
    std::stable_sort(signed_.begin(), signed_.end(),
                     [](const Signed& a, const Signed& b) { return a.checkpoint.size < b.checkpoint.size; });
    verdict_.origin = signed_.front().checkpoint.origin;
    return {};
  }

  /// False, and the fault is told, where this note is not what the log's own key signed.
  bool add(std::string_view text, const std::string& where) {
    const auto note = parse_note(text);
    const auto checkpoint = note ? parse_checkpoint(note->text) : tl::unexpected(note.error());
    if (!checkpoint) {
      found(0, where, checkpoint.error().message);
      return false;
    }
    const bool genuine = std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) {
      return is_signed_by(*note, checkpoint->origin, key.spki, key.key.get());
    });
    const std::string other = other_signer(*note, checkpoint->origin, evidence_.keys);
    if (!genuine && !other.empty())
      found(0, where,
            fmt::format("of size {}, and no audit key signed it: it names the key {}; is the key right?",
                        checkpoint->size, other));
    else if (!genuine)
      found(0, where, fmt::format("forged: of size {}, and no audit key signed it", checkpoint->size));
    else if (!signed_.empty() && signed_.front().checkpoint.origin != checkpoint->origin)
      found(0, where,
            fmt::format("of another log ({}; wanted {})", checkpoint->origin, signed_.front().checkpoint.origin));
    if (!verdict_.fault) signed_.push_back({*checkpoint, where});
    return !verdict_.fault;
  }

  Result<> read_records() {
    if (evidence_.exported) reader_.expect_records_only();
    for (const LogFile& file : TRY(log_files(evidence_.folder))) {
      const std::string name = file.path.filename().string();
      if (file.first != 0 && file.first != reader_.next())
        found(reader_.next(), name,
              fmt::format("record {} is missing: this file begins with {}", reader_.next(), file.first));
      if (verdict_.fault) return {};
      std::size_t line_number = 0;
      TRY(read_lines(file.path, [&](std::string_view line, bool complete) -> Result<bool> {
        ++line_number;
        take(line, complete, fmt::format("{}:{}", name, line_number));
        return !verdict_.fault;
      }));
    }
    return {};
  }

  void take(std::string_view line, bool complete, const std::string& where) {
    const std::uint64_t number = reader_.next();
    const auto is_record = reader_.take(line, complete);
    if (!is_record) return found(number, where, is_record.error().message);
    if (!*is_record) return;
    const Hash leaf = leaf_hash(as_bytes(line));
    tree_.append(leaf);
    unvouched_.push_back(leaf);
    for (; next_ < signed_.size() && signed_[next_].checkpoint.size <= tree_.size(); ++next_) {
      const Signed& due = signed_[next_];
      if (due.checkpoint.size == tree_.size() ? due.checkpoint.root != tree_.root() : due.checkpoint.size != 0)
        return blame(due);
      ++verdict_.checkpoints;
      vouch();
    }
  }

  void vouch() {
    verdict_.records = verdict_.vouched = tree_.size();
    unvouched_.clear();
  }

  /// The records since the last good checkpoint are not what was signed. Which is the first? The stored hashes know,
  /// if they are those that were signed.
  void blame(const Signed& broken) {
    const std::uint64_t from = verdict_.vouched;
    const auto stored = StoredHashes::open_to_read(evidence_.folder / kHashesFile);
    const HashReader read = [&](unsigned level, std::uint64_t n) { return stored->read(level, n); };
    const auto signed_tree = stored ? read_leaves(broken.checkpoint.size, read) : std::nullopt;
    if (!signed_tree || signed_tree->root() != broken.checkpoint.root)
      return found(
          from + 1, broken.where,
          fmt::format("records {} to {} are not those that were signed (edited, or a fork)", from + 1, tree_.size()));
    for (std::size_t i = 0; i < unvouched_.size(); ++i)
      if (const auto leaf = read(0, from + i); leaf && *leaf != unvouched_[i]) {
        verdict_.records = from + i;
        return found(from + i + 1, broken.where, fmt::format("record {} is not the one that was signed", from + i + 1));
      }
    found(from + 1, broken.where, "a fork: another log of the same size was signed");
  }

  /// The tree as the stored leaves have it; its other hashes are not believed.
  static std::optional<Tree> read_leaves(std::uint64_t size, const HashReader& read) {
    Tree tree;
    while (tree.size() < size) {
      const auto leaf = read(0, tree.size());
      if (!leaf) return std::nullopt;
      tree.append(*leaf);
    }
    return tree;
  }

  void check_end() {
    verdict_.records = tree_.size();
    verdict_.torn_bytes = reader_.torn().size();
    if (next_ == signed_.size()) return;
    const Signed& missing = signed_.back();
    found(tree_.size() + 1, missing.where,
          fmt::format("truncated: the log ends with record {}, and {} are signed", tree_.size(),
                      missing.checkpoint.size));
  }

  const Evidence& evidence_;
  std::vector<Key> keys_;
  std::vector<Signed> signed_;  // by size
  std::size_t next_ = 0;        // the one that is due
  RecordReader reader_;
  Tree tree_;
  std::vector<Hash> unvouched_;  // leaves since the last good checkpoint
  Verdict verdict_;
};

}  // namespace

Result<Verdict> verify(const Evidence& evidence) { return Verification(evidence).run(); }

}  // namespace hubseal::audit
