/// What stands in a log file: records, one a line, and here and there what a crash tore.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/audit/merkle.h"
#include "common/json.h"

namespace hubseal::audit {

/// The number of a record that is whole: an object that begins {"seq":N,"time":" and ends where its braces do. Nothing
/// for a line that is none; a record that was cut anywhere is none.
std::optional<std::uint64_t> sequence_of(std::string_view line);

/// Event of the record that names what a crash left in front of it, by `bytes` and `sha256`.
constexpr std::string_view kTornEvent = "torn_record_sealed";

/// Tells records from what a crash tore, as lines come in.
/// Threads: one.
class RecordReader {
 public:
  explicit RecordReader(std::uint64_t next = 1) : next_(next) {}

  /// For a copy that holds the records only (list_records): bytes that a record names as torn need not be there.
  void expect_records_only() { records_only_ = true; }

  /// True where `line` is the next record. False where it may be something torn, which the next record must name.
  /// Errors: bad_request, in words: another record than the next one, torn bytes that the record does not name, or none
  /// where it names some.
  Result<bool> take(std::string_view line, bool complete);

  /// Number of the record that is expected.
  std::uint64_t next() const { return next_; }
  /// What came since the last record, line feeds included.
  std::string_view torn() const { return torn_; }
  /// Members with which a record names these bytes.
  static Json describe_torn(std::string_view bytes);

 private:
  Result<> check_torn(std::string_view line) const;

  std::uint64_t next_;
  std::string torn_;
  bool records_only_ = false;
};

}  // namespace hubseal::audit
