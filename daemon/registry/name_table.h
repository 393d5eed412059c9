#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/ca/participant.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// A name that was certified once stays its participant's for ever: a certificate may still be out there.
enum class NameState {
  registered,  ///< may be certified
  certified,   ///< was, and may be again
  withdrawn,   ///< was, and may not be again; nobody else gets it
};
constexpr std::array<std::pair<std::string_view, NameState>, 3> kNameStates = {
    {{"registered", NameState::registered}, {"certified", NameState::certified}, {"withdrawn", NameState::withdrawn}}};

struct NameRecord {
  ca::ClaimedName name;
  NameState state = NameState::registered;
};

/// Which name belongs to which participant (PKI-5).
namespace name_table {

/// Gives the participant this name, unless it belongs to another. A wildcard belongs to whom the names
/// one label below it belong.
/// Errors: conflict.
Result<> add(Database& database, const ca::ClaimedName& name, const std::string& subject);
/// Whose name it is, also when it was withdrawn.
Result<std::optional<std::string>> owner(Database& database, const ca::ClaimedName& name);
/// Takes it away: as if it had never been there where it was never certified.
Result<> withdraw(Database& database, const ca::ClaimedName& name, const std::string& subject);
/// Marks the name as certified. False when this participant may not have it certified.
Result<bool> certify(Database& database, const ca::ClaimedName& name, const std::string& subject);
/// All of a participant, by kind and value.
Result<std::vector<NameRecord>> list(Database& database, const std::string& subject);

}  // namespace name_table
}  // namespace hubseal::daemon
