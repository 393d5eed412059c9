/// The verdict on a copied log: needs the files and the public key, nothing else.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/audit/checkpoint.h"

namespace hubseal::audit {

struct Evidence {
  std::filesystem::path folder;
  std::vector<Bytes> keys;             ///< SubjectPublicKeyInfo of each audit key that the log ever had
  std::vector<std::string> witnessed;  ///< checkpoints that others kept, as signed notes: the log must hold to them
  bool exported = false;               ///< a copy of the records alone: what crashes tore is not there
};

/// The first thing that is wrong.
struct Fault {
  std::uint64_t record = 0;  ///< 0 where it is not about a record
  std::uint64_t last = 0;    ///< the same; a larger one where no more is proven than that it is one of these
  std::string where;         ///< file, and line where there is one
  std::string problem;
};

struct Verdict {
  std::uint64_t records = 0;      ///< good ones before the fault
  Hash root{};                    ///< of these
  std::uint64_t checkpoints = 0;  ///< of these, that were checked and hold
  std::uint64_t vouched = 0;      ///< records that the last of them vouches for
  std::string origin;
  std::size_t torn_bytes = 0;  ///< at the end, of a record that was not finished; hubseald seals it at its next start
  std::optional<Fault> fault;
};

/// Reads everything once, and what is not good again. Errors: not_found, bad_request (keys, no checkpoint at all),
/// storage_unavailable: no verdict.
Result<Verdict> verify(const Evidence& evidence);

}  // namespace hubseal::audit
