#include "common/audit/judgement.h"

#include <algorithm>

#include <fmt/format.h>

namespace hubseal::audit {
namespace {

using Checkpoints = std::vector<Signed>;
using IsOf = bool Signed::*;  // which history a checkpoint is of: that of the records, or that of the stored hashes

std::uint64_t size_of(const Signed& it) { return it.checkpoint.size; }

/// As many records of this history are what was signed.
std::uint64_t proven(const Checkpoints& all, IsOf history) {
  std::uint64_t most = 0;
  for (const Signed& it : all)
    if (it.*history) most = size_of(it);
  return most;
}

/// The first checkpoint above this size that the history does not have.
const Signed* first_against(const Checkpoints& all, IsOf history, std::uint64_t above = 0) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Signed& it) { return !(it.*history) && size_of(it) > above; });
  return found == all.end() ? nullptr : &*found;
}

/// Which checkpoint shows that records and stored hashes differ after so many. Where none does, somebody wrote into the
/// files while they were read; the last one stands for it then. There is one: without it nothing would be proven.
const Signed& shown_from(const Checkpoints& all, std::uint64_t common) {
  const Signed* against = first_against(all, &Signed::of_records, common);
  return against ? *against : all.back();
}

/// On how many records the history that this checkpoint is of is known to agree with the other one, which was signed
/// too.
std::uint64_t agreed(const Checkpoints& all, const Signed& against, IsOf history) {
  std::uint64_t most = 0;
  for (const Signed& it : all)
    if (it.kept == against.kept && it.*history) {
      if (size_of(it) >= size_of(against)) return 0;  // its side has both histories, and tells neither's beginning
      most = size_of(it);
    }
  return most;
}

std::string one_of(std::uint64_t first, std::uint64_t last) {
  return first == last ? fmt::format("record {}", first) : fmt::format("one of records {} to {}", first, last);
}

Fault fork_in(std::uint64_t first, std::uint64_t last, const Signed& shown_by) {
  return {
      first, last, shown_by.where,
      fmt::format("a fork: two histories were signed, and {} is the first in which they differ", one_of(first, last))};
}

/// Two histories that were both signed, of which one may be that of the records, the other that of the stored hashes.
std::optional<Fault> find_fork(const Findings& found) {
  const Checkpoints& all = found.checkpoints;
  if (found.common < std::min(proven(all, &Signed::of_records), proven(all, &Signed::of_hashes)))
    return fork_in(found.common + 1, found.common + 1, shown_from(all, found.common));
  std::optional<Fault> first;
  const auto keep_first = [&](std::uint64_t from, const Signed& shown_by) {
    if (!first || size_of(shown_by) < first->last) first = fork_in(from + 1, size_of(shown_by), shown_by);
  };
  for (const IsOf history : {&Signed::of_records, &Signed::of_hashes})
    if (const Signed* against = first_against(all, history); against && size_of(*against) <= proven(all, history))
      keep_first(agreed(all, *against, history), *against);
  // Two of one size need no records to speak against each other.
  const auto pair = std::adjacent_find(all.begin(), all.end(), [](const Signed& one, const Signed& other) {
    return size_of(one) == size_of(other) && one.checkpoint.root != other.checkpoint.root;
  });
  if (pair != all.end()) {
    const Signed &one = *pair, &other = *std::next(pair);
    keep_first(one.kept == other.kept
                   ? 0
                   : std::min(agreed(all, one, &Signed::of_records), agreed(all, other, &Signed::of_records)),
               other);
  }
  return first;
}

/// What the checkpoint says of records that are there, of which so many are proven, be it by the other side.
Fault changed_in(std::uint64_t first, std::uint64_t last, const Signed& shown_by, std::uint64_t good) {
  const std::string after = good >= first ? fmt::format(" after record {}", good) : "";
  return {first, last, shown_by.where,
          first == last ? fmt::format("record {} is not the one that was signed", first)
                        : fmt::format("{} is not what was signed (changed{}, or a fork)", one_of(first, last), after)};
}

/// The log is shorter than this checkpoint. Of the records after the last ones that are proven, one that is missing and
/// later ones with new numbers look as those do that end too early.
Fault too_short(std::uint64_t good, std::uint64_t records, const Signed& missing, std::uint64_t were_signed) {
  const std::string ends = fmt::format("the log ends with record {}, and {} are signed", records, were_signed);
  return {good + 1, records + 1, missing.where,
          good == records
              ? fmt::format("truncated: {}", ends)
              : fmt::format("{}: {} is missing, or is not what was signed", ends, one_of(good + 1, records + 1))};
}

}  // namespace

std::optional<Fault> judge(const Findings& found) {
  const Checkpoints& all = found.checkpoints;
  if (auto fork = find_fork(found)) return fork;
  const std::uint64_t proven_records = proven(all, &Signed::of_records),
                      proven_hashes = proven(all, &Signed::of_hashes);
  if (const std::uint64_t common = found.common; common < std::min(found.records, proven_hashes))
    return changed_in(common + 1, common + 1, shown_from(all, common), common);
  const Signed* against = first_against(all, &Signed::of_records);
  if (against && size_of(*against) <= found.records)
    return changed_in(agreed(all, *against, &Signed::of_records) + 1, size_of(*against), *against, proven_records);
  if (found.broken) return found.broken;
  const std::uint64_t good = std::max(proven_records, std::min(found.common, proven_hashes));
  if (against) return too_short(good, found.records, *against, size_of(all.back()));
  return std::nullopt;
}

}  // namespace hubseal::audit
