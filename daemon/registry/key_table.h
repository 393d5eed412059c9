#pragma once

#include <array>
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
  tls,    ///< the hub's own TLS: its CSR, and nothing else here
  audit,  ///< checkpoints of the audit log
};
constexpr std::array<std::pair<std::string_view, KeyUse>, 4> kKeyUses = {
    {{"ca", KeyUse::ca}, {"jws", KeyUse::jws}, {"tls", KeyUse::tls}, {"audit", KeyUse::audit}}};
std::string_view to_string(KeyUse use);

struct KeyRecord {
  std::string label;
  KeyId id{};
  KeyType type{};
  KeyUse use{};
  TimePoint created_at{};
};

/// Which keys of the token are the hub's, and what each is for.
namespace key_table {

/// Errors: conflict (label or key is there).
Result<> add(Database& database, const KeyRecord& key);
/// Oldest first.
Result<std::vector<KeyRecord>> list(Database& database);

}  // namespace key_table
}  // namespace hubseal::daemon
