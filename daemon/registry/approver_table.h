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

/// How an approver makes itself known.
enum class ApproverKind {
  uid,       ///< the kernel says who asks on admin.sock
  key,       ///< a signature over the approval statement
  webauthn,  ///< a WebAuthn assertion over it
};
constexpr std::array<std::pair<std::string_view, ApproverKind>, 3> kApproverKinds = {
    {{"uid", ApproverKind::uid}, {"key", ApproverKind::key}, {"webauthn", ApproverKind::webauthn}}};
std::string_view to_string(ApproverKind kind);

/// One way in which one person can agree. A person may have several and counts once.
struct ApproverRecord {
  std::int64_t row = 0;
  std::string name;
  std::string person;  ///< names that differ in case only are the same person
  ApproverKind kind{};
  /// Of kind uid: who votes. Of the others: the person's own login on this host, where there is one, so that
  /// what it asks for is not agreed to by the same person's key.
  std::optional<std::int64_t> uid;
  Bytes public_key;     ///< DER SubjectPublicKeyInfo; empty for kind uid
  Bytes credential_id;  ///< WebAuthn only, as the next three
  std::string rp_id;
  std::string origin;
  std::uint32_t sign_count = 0;  ///< the authenticator's counter when it was last seen
  TimePoint added_at{};
};

/// Who may agree, and who once might: what was removed stays, because votes name it.
namespace approver_table {

/// Errors: conflict, when name, uid or key has an approver already, or the uid is that of another person.
Result<> check_free(Database& database, const ApproverRecord& approver);
/// A key that was an approver's before goes on from the counter that was seen then.
/// Errors: those of check_free; conflict when there are as many as there may be.
Result<> add(Database& database, const ApproverRecord& approver);
/// Errors: not_found, also when it was removed before.
Result<> remove(Database& database, std::int64_t row, TimePoint now);

/// None of these finds what was removed.
Result<std::optional<ApproverRecord>> find(Database& database, const std::string& name);
Result<std::optional<ApproverRecord>> find_uid(Database& database, std::int64_t uid);
Result<std::optional<ApproverRecord>> find_row(Database& database, std::int64_t row);
/// Oldest first.
Result<std::vector<ApproverRecord>> list(Database& database);
/// Different persons, `without` this approver.
Result<unsigned> count_persons(Database& database, std::int64_t without = 0);

/// Whether this uid is, or ever was, that of the person.
Result<bool> is_login_of(Database& database, std::int64_t uid, const std::string& person);
Result<> set_sign_count(Database& database, std::int64_t row, std::uint32_t count);

}  // namespace approver_table
}  // namespace hubseal::daemon
