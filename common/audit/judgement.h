/// What checkpoints say of a log, once it is known which of them its records and its stored hashes agree with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/audit/checkpoint.h"
#include "common/audit/verify.h"

namespace hubseal::audit {

/// A checkpoint that an audit key signed.
struct Signed {
  Checkpoint checkpoint;
  std::string where;
  bool kept = false;        ///< by others; else it stands in the log's own file
  bool of_records = false;  ///< the root is that of so many of the records
  bool of_hashes = false;   ///< the root is that of so many of the stored leaves
};

/// What was read of a log.
struct Findings {
  std::vector<Signed> checkpoints;  ///< by size
  std::uint64_t records = 0;        ///< that follow one another
  std::uint64_t common = 0;         ///< of these, the first ones that have the leaves which are stored
  std::optional<Fault> broken;      ///< why the files could not be read beyond them
};

/// The first thing that is wrong, no more exactly than it is proven; nothing where all is good. Checkpoints of one side
/// (the log's own file, those that were kept) are taken to be of one history as long as they do not speak against it.
std::optional<Fault> judge(const Findings& found);

}  // namespace hubseal::audit
