#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/guarded.h"
#include "daemon/approvals/approvals.h"
#include "daemon/ca/prepare.h"
#include "daemon/registry/ca_table.h"
#include "daemon/registry/registry.h"

namespace hubseal::daemon {

/// A CA of this hub, decoded once.
struct Authority {
  CaRecord record;
  std::optional<ca::Issuer> issuer;  ///< nothing while its CSR is with an outside root
  std::string certificate_pem;       ///< empty likewise
};

/// The CAs, by name.
/// Threads: share it freely; an Authority never changes once it is here.
class Authorities {
 public:
  static Result<std::unique_ptr<Authorities>> open(Registry& registry);

  /// Errors: not_found.
  Result<std::shared_ptr<const Authority>> find(std::string_view name) const;
  /// As find, and it must issue: it has its certificate, and was not retired. Errors: also policy_denied.
  Result<std::shared_ptr<const Authority>> find_active(std::string_view name) const;
  std::vector<std::string> names() const;
  /// Whether a CA has this key already.
  bool uses_key(std::string_view label) const;

  /// Writes what has become of one that is as `before` says. Uses the grant up in the same transaction.
  /// Errors: conflict where somebody was faster.
  Result<> update(const CaRecord& before, const CaRecord& after, const Grant& grant);
  /// Writes the CA to the registry, with what belongs to it in the same transaction, and takes it into service.
  using Along = std::function<Result<>(Database&)>;
  Result<> add(const CaRecord& record, const Along& along = {});

 private:
  explicit Authorities(Registry& registry) : registry_(registry) {}
  Registry& registry_;
  mutable Guarded<std::map<std::string, std::shared_ptr<const Authority>, std::less<>>> authorities_;
};

}  // namespace hubseal::daemon
