#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/key_types.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// What a registered key may serve; a key serves one thing.
enum class KeyUse {
  ca,     ///< certificates
  jws,    ///< JSON Web Signatures
  tls,    ///< the hub's own TLS: its CSR, and handshakes of gateways
  audit,  ///< checkpoints of the audit log
  ocsp,   ///< OCSP responses of one CA
};
constexpr std::array<std::pair<std::string_view, KeyUse>, 5> kKeyUses = {
    {{"ca", KeyUse::ca}, {"jws", KeyUse::jws}, {"tls", KeyUse::tls}, {"audit", KeyUse::audit}, {"ocsp", KeyUse::ocsp}}};
std::string_view to_string(KeyUse use);

/// Where a key stands in its life (NIST SP 800-57 part 1, section 7). Only an active one signs.
enum class KeyLife {
  pre_activation,  ///< made, and not yet taken into use
  active,
  suspended,    ///< stopped, and may go on
  deactivated,  ///< has signed for the last time; what it signed can be verified
  compromised,  ///< the same, and what it signed is in doubt
  destroyed,    ///< no longer in the token
};
constexpr std::array<std::pair<std::string_view, KeyLife>, 6> kKeyLives = {{{"pre_activation", KeyLife::pre_activation},
                                                                            {"active", KeyLife::active},
                                                                            {"suspended", KeyLife::suspended},
                                                                            {"deactivated", KeyLife::deactivated},
                                                                            {"compromised", KeyLife::compromised},
                                                                            {"destroyed", KeyLife::destroyed}}};
std::string_view to_string(KeyLife life);

/// Whether a key may sign before somebody has said that its backup is in a safe place.
enum class KeyBackup { none, required, confirmed };
constexpr std::array<std::pair<std::string_view, KeyBackup>, 3> kKeyBackups = {
    {{"none", KeyBackup::none}, {"required", KeyBackup::required}, {"confirmed", KeyBackup::confirmed}}};
std::string_view to_string(KeyBackup backup);

struct KeyRecord {
  std::string label;
  KeyId id{};
  KeyType type{};
  KeyUse use{};
  TimePoint created_at{};
  KeyLife life = KeyLife::active;
  TimePoint changed_at{};               ///< since when it is that
  std::optional<TimePoint> destroy_at;  ///< when it is to be destroyed
  KeyBackup backup = KeyBackup::none;
  std::chrono::seconds destroy_wait{0};     ///< for which hubseald has to run first, whatever the clock says
  bool destruction_begun = false;           ///< by an attempt whose end is not known, or people say that it is gone
  std::optional<TimePoint> compromised_at;  ///< stays when the key is destroyed: a thief's copy does not go with it
  /// With which it signs JWS, where it was chosen.
  std::optional<SignatureAlgorithm> algorithm = {};
};

/// Which keys of the token are the hub's, and what each is for.
namespace key_table {

/// Errors: conflict (label or key is there).
Result<> add(Database& database, const KeyRecord& key);
/// Writes life, times, backup and how far its destruction is of a key that is there.
Result<> update(Database& database, const KeyRecord& key);
/// Oldest first.
Result<std::vector<KeyRecord>> list(Database& database);

}  // namespace key_table
}  // namespace hubseal::daemon
