#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/json.h"
#include "daemon/ca/prepare.h"
#include "daemon/policy/policy.h"
#include "daemon/registry/name_table.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/subject_table.h"

namespace hubseal::daemon {

/// What the register says of a participant.
struct Registered {
  SubjectRecord subject;
  std::vector<NameRecord> names;
};

/// The hub's own register of participants (DFSPs): who they are and which names are theirs. A certificate says
/// nothing of its participant that does not stand here; an agent's database has no say in it.
/// Threads: share it freely; the static ones run in a transaction of the caller's.
class Register {
 public:
  explicit Register(Registry& registry) : registry_(registry) {}

  /// In whatever state it is; nothing where it is not registered.
  Result<std::optional<Registered>> find(const std::string& id) const;

  /// What a certificate of `issuer` may say of the participant `id`, of which find() said `registered`. Where the
  /// register fills itself (auto), a participant that it does not know yet may choose: its id and the CA's country
  /// stand for what it leaves out.
  /// Errors: policy_denied (not known, not active).
  static Result<ca::Participant> limits(RegisterMode mode, const std::string& id,
                                        const std::optional<Registered>& registered, const ca::Issuer& issuer);

  /// In the transaction that reserves the serial: what find() said must still be so, and the names become certified
  /// ones. Where the register fills itself, a participant that is not known is entered with what its certificate says.
  /// Errors: policy_denied; conflict when a name belongs to another (PKI-5).
  static Result<> admit(Database& database, RegisterMode mode, const std::string& id, const ca::Prepared& prepared,
                        TimePoint now);

  /// Enters a participant, or replaces all that the register says of one: names that are left out are withdrawn.
  /// Ids are names too: the id of one is not a name of another, and neither is that of a CA. Upper and lower case are
  /// the same.
  /// Errors: conflict (PKI-5; one that was off-boarded).
  static Result<> set(Database& database, const SubjectRecord& subject, const std::vector<ca::ClaimedName>& names);
  /// Whether a new CA may be called so: neither id nor name of a participant. Errors: conflict.
  static Result<> check_ca_name(Database& database, const std::string& name);
  /// Errors: not_found.
  static Result<> set_status(Database& database, const std::string& id, SubjectStatus status);

 private:
  Registry& registry_;
};

/// {"cn": [...], "dns": [...], "ip": [...]}, for replies and records.
Json json_of(const std::vector<ca::ClaimedName>& names);

}  // namespace hubseal::daemon
