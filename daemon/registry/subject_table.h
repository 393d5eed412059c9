#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// Certificates are issued to active participants only. Nothing follows off_boarded: id and names are never given away.
enum class SubjectStatus { active, suspended, off_boarded };
constexpr std::array<std::pair<std::string_view, SubjectStatus>, 3> kSubjectStatuses = {
    {{"active", SubjectStatus::active},
     {"suspended", SubjectStatus::suspended},
     {"off_boarded", SubjectStatus::off_boarded}}};
std::string_view to_string(SubjectStatus status);

/// A participant (DFSP). Its names stand in name_table.
struct SubjectRecord {
  std::string id;
  std::string organization;  ///< empty: not known
  std::string country;       ///< likewise
  SubjectStatus status = SubjectStatus::active;
  TimePoint created_at{};
  std::int64_t status_changes = 0;  ///< so far: tells one suspension from the next
};

namespace subject_table {

/// Adds it, or changes organization and country of the one that is there; its status and date stay.
Result<> set(Database& database, const SubjectRecord& subject);
/// False when there is none of this id.
Result<bool> set_status(Database& database, const std::string& id, SubjectStatus status);
Result<std::optional<SubjectRecord>> find(Database& database, const std::string& id);
/// The id that is this one but for upper and lower case, if there is one.
Result<std::optional<std::string>> find_alike(Database& database, const std::string& id);
/// By id, those that come after `after`.
Result<std::vector<SubjectRecord>> list(Database& database, const std::string& after, std::int64_t limit);

}  // namespace subject_table
}  // namespace hubseal::daemon
