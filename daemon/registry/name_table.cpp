#include "daemon/registry/name_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/x509/subject_alt_names.h"

namespace hubseal::daemon::name_table {
namespace {

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

Result<> claim(Database& database, const ca::ClaimedName& name, const std::string& subject) {
  Statement owner = TRY(database.prepare("SELECT subject FROM names WHERE kind = ? AND value = ?"));
  const std::string_view kind = to_string(name.kind);
  if (TRY(owner.bind(kind).bind(name.value).step())) {
    if (owner.text(0) == subject) return {};
    return fail(Code::conflict,
                fmt::format("PKI-5: {} {} was certified for another participant than {}", kind, name.value, subject));
  }
  if (name.kind == ca::NameKind::dns) TRY(refuse_overlap(database, name.value, subject));
  Statement insert = TRY(database.prepare("INSERT INTO names (kind, value, subject) VALUES (?, ?, ?)"));
  return insert.bind(kind).bind(name.value).bind(subject).run();
}

}  // namespace hubseal::daemon::name_table
