#include "daemon/registry/name_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"
#include "common/x509/subject_alt_names.h"
#include "daemon/registry/columns.h"

namespace hubseal::daemon::name_table {
namespace {

constexpr std::array<std::pair<std::string_view, ca::NameKind>, 3> kKinds = {
    {{"cn", ca::NameKind::cn}, {"dns", ca::NameKind::dns}, {"ip", ca::NameKind::ip}}};

/// A wildcard stands for every name one label below it, whoever asked first.
Result<> refuse_overlap(Database& database, const std::string& name, const std::string& subject) {
  const bool wildcard = x509::is_wildcard(name);
  // "*.example.com" is a GLOB pattern as it stands, for the names below and for deeper ones.
  const std::string other = wildcard ? name : "*" + name.substr(std::min(name.find('.'), name.size()));
  Statement overlap = TRY(database.prepare(
      wildcard
          ? "SELECT 1 FROM names WHERE kind = 'dns' AND value GLOB ?1 AND NOT value GLOB '*.' || ?1 AND subject <> ?2"
          : "SELECT 1 FROM names WHERE kind = 'dns' AND value = ?1 AND subject <> ?2"));
  if (!TRY(overlap.bind(other).bind(subject).step())) return {};
  return fail(Code::conflict,
              fmt::format("PKI-5: dns {} overlaps with a name of another participant than {}", name, subject));
}

}  // namespace

Result<std::optional<std::string>> owner(Database& database, const ca::ClaimedName& name) {
  Statement row = TRY(database.prepare("SELECT subject FROM names WHERE kind = ? AND value = ?"));
  if (!TRY(row.bind(to_string(name.kind)).bind(name.value).step())) return std::nullopt;
  return row.text(0);
}

Result<> add(Database& database, const ca::ClaimedName& name, const std::string& subject) {
  const std::string_view kind = to_string(name.kind);
  if (const auto known = TRY(owner(database, name))) {
    if (*known != subject)
      return fail(Code::conflict, fmt::format("PKI-5: {} {} belongs to another participant than {}", kind,
                                              log::printable(name.value), subject));
    Statement again = TRY(
        database.prepare("UPDATE names SET state = 'certified' WHERE kind = ? AND value = ? AND state = 'withdrawn'"));
    return again.bind(kind).bind(name.value).run();
  }
  if (name.kind == ca::NameKind::dns) TRY(refuse_overlap(database, name.value, subject));
  Statement insert =
      TRY(database.prepare("INSERT INTO names (kind, value, subject, state) VALUES (?, ?, ?, 'registered')"));
  return insert.bind(kind).bind(name.value).bind(subject).run();
}

Result<> withdraw(Database& database, const ca::ClaimedName& name, const std::string& subject) {
  const std::string_view kind = to_string(name.kind);
  Statement unused =
      TRY(database.prepare("DELETE FROM names WHERE kind = ? AND value = ? AND subject = ? AND state = 'registered'"));
  TRY(unused.bind(kind).bind(name.value).bind(subject).run());
  Statement used =
      TRY(database.prepare("UPDATE names SET state = 'withdrawn' WHERE kind = ? AND value = ? AND subject = ?"));
  return used.bind(kind).bind(name.value).bind(subject).run();
}

Result<bool> certify(Database& database, const ca::ClaimedName& name, const std::string& subject) {
  const std::string_view kind = to_string(name.kind);
  // Mostly it is there already. A row that is written unchanged is a page for the disk all the same.
  Statement certified =
      TRY(database.prepare("SELECT 1 FROM names WHERE kind = ? AND value = ? AND subject = ? AND state = 'certified'"));
  if (TRY(certified.bind(kind).bind(name.value).bind(subject).step())) return true;
  Statement update = TRY(database.prepare(
      "UPDATE names SET state = 'certified' WHERE kind = ? AND value = ? AND subject = ? AND state = 'registered'"));
  TRY(update.bind(kind).bind(name.value).bind(subject).run());
  return database.changes() == 1;
}

Result<std::vector<NameRecord>> list(Database& database, const std::string& subject) {
  Statement rows = TRY(database.prepare("SELECT kind, value, state FROM names WHERE subject = ? ORDER BY kind, value"));
  rows.bind(subject);
  std::vector<NameRecord> names;
  while (TRY(rows.step())) {
    const ca::NameKind kind = TRY(word_to_value(kKinds, rows.text(0)));
    const NameState state = TRY(word_to_value(kNameStates, rows.text(2)));
    names.push_back({.name = {kind, rows.text(1)}, .state = state});
  }
  return names;
}

}  // namespace hubseal::daemon::name_table
