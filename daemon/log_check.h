#pragma once

#include <cstdint>
#include <filesystem>

#include "common/audit/checkpoint.h"
#include "common/audit/merkle.h"
#include "common/audit/record_reader.h"
#include "common/result.h"

namespace hubseal::daemon {

/// Reads every record that a checkpoint vouches for, one file at a time, and holds them to its root: what the stored
/// hashes say is believed by nobody else either.
/// Threads: one at a time; the log may grow and put files away meanwhile.
class LogCheck {
 public:
  LogCheck(std::filesystem::path folder, audit::Checkpoint wanted)
      : folder_(std::move(folder)), wanted_(std::move(wanted)) {}

  /// The next file. True when all was read and is what was signed.
  /// Errors: bad_request where it is not, naming the record; storage_unavailable: no verdict, it may be asked again.
  Result<bool> step();
  /// Records that were read, and how many there are to be read.
  std::uint64_t read() const { return done_.tree.size(); }
  std::uint64_t wanted() const { return wanted_.size; }

 private:
  struct Progress {
    audit::RecordReader records;
    audit::Tree tree;
  };
  Result<Progress> read_next_file() const;

  const std::filesystem::path folder_;
  const audit::Checkpoint wanted_;
  Progress done_;
};

}  // namespace hubseal::daemon
