#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/guarded.h"
#include "daemon/policy/policy.h"
#include "daemon/policy/source.h"
#include "daemon/registry/policy_table.h"
#include "daemon/registry/registry.h"

namespace hubseal::daemon {

/// The policy in force, and every one that was: the registry keeps each with its exact bytes. The first start takes the
/// files; from then on what was stored counts, and the files are only what load_policy would read.
/// Threads: share it freely; who has taken the current one keeps it for the whole of a request.
class Policies {
 public:
  /// Errors: those of decode_policy for files (at the first start) or for what was stored; storage_unavailable when the
  /// stored bytes are not those that were recorded.
  static Result<std::unique_ptr<Policies>> open(const PolicyFiles& files, Registry& registry, const Clock& clock);

  std::shared_ptr<const Policy> current() const { return *current_.lock(); }
  /// What the files say now.
  Result<PolicySource> read_files() const { return read_source(files_); }

  /// Who brings a policy into force.
  struct Loader {
    std::string peer;
    std::int64_t uid = 0;
    std::string approval;  ///< "a-17"; empty where nobody had to agree
  };
  /// Stores `policy`, made from `source`, as the next version in one transaction with `grant`, and puts it into force.
  /// Errors: conflict where not version `replaces`, under which it was agreed to, is in force any more.
  Result<std::shared_ptr<const Policy>> replace(std::int64_t replaces, const PolicySource& source, Policy policy,
                                                const Loader& loader, const std::function<Result<>(Database&)>& grant);

 private:
  Policies(const PolicyFiles& files, Registry& registry, const Clock& clock, std::shared_ptr<const Policy> current)
      : files_(files), registry_(registry), clock_(clock), current_(std::move(current)) {}

  const PolicyFiles files_;
  Registry& registry_;
  const Clock& clock_;
  mutable Guarded<std::shared_ptr<const Policy>> current_;
};

/// For an operator at the machine, without a daemon: stores what the files say as the next version, if it differs from
/// what is stored. Needed when what an older hubseald stored is not understood by this one.
/// Returns the version that the next start takes, and whether it is new; nothing where none is stored yet.
struct Adopted {
  std::int64_t version = 0;
  bool changed = false;
  PolicyHash before{}, after{};
};
Result<std::optional<Adopted>> adopt_files(const PolicyFiles& files, Registry& registry, const Clock& clock,
                                           std::int64_t uid);

}  // namespace hubseal::daemon
