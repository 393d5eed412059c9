/// What the parts of an import share. Internal to mcm/.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/mcm/import.h"
#include "agent/service/validation.h"
#include "common/number.h"

namespace hubseal::agent::mcm {

/// One row of a table, by the names of its columns.
class DumpRow {
 public:
  DumpRow(const std::string& table_name, const DumpTable& table, std::size_t index);

  std::optional<std::string> text(std::string_view column) const;
  /// Nothing for NULL and for what is no number.
  std::optional<std::int64_t> number(std::string_view column) const;
  /// "dfsp_endpoint_items row 12": by its id, or else by its place.
  const std::string& where() const { return where_; }

 private:
  const DumpTable* table_;
  const std::vector<DumpTable::Value>* values_;
  std::string where_;
};

struct Context {
  const MysqlDump& dump;
  const VaultExport& vault;
  const Rules& rules;
  const TimePoint now;
  Outcome out = {};
  std::map<std::int64_t, std::string> dfsps = {};    ///< those that are stored: MCM's number -> id
  std::map<std::int64_t, std::string> refused = {};  ///< those that are not, and why

  /// Of a table that is there.
  template <class Work>
  void for_each_row(const std::string& table, Work work) {
    const DumpTable& rows = *dump.find(table);
    for (std::size_t i = 0; i < rows.rows.size(); ++i) work(DumpRow(table, rows, i));
  }
  /// The stored DFSP with this number. Nothing where there is none, which is noted of `where`.
  std::optional<std::string> owner(const std::string& where, std::optional<std::int64_t> number);
  std::optional<std::string> owner(const VaultRecord& record) {
    return owner(record.path, parse_number<std::int64_t>(record.names.front()));
  }
  /// The stored DFSP with this id, in whatever letter case: MCM's database compares so.
  std::optional<std::string> named(std::string_view id) const;
  /// Whether it is an id of the hub itself, in whatever letter case.
  bool is_hub(std::string_view id) const;
  /// Of one kind; each is handed over once.
  template <class Work>
  void for_each_record(std::string_view kind, Work work) {
    for (const VaultRecord& record : vault.records)
      if (record.kind == kind) work(record);
  }
  /// "2026-11-23 10:00:00" as the agent writes times; now, and a note, where it is none.
  std::string time_of(const std::string& where, const std::optional<std::string>& text);
  void leave_out(std::string where, std::string why) { out.report.leave_out(std::move(where), std::move(why)); }
  void change(std::string where, std::string what) { out.report.change(std::move(where), std::move(what)); }
  void count(const std::string& kind) { ++out.report.stored[kind]; }
};

/// A member of a record; null and absent are nothing. Errors: bad_request: it is no text.
Result<std::optional<std::string>> text_of(const VaultRecord& record, const char* member);

/// Notes where MCM's verdict was another.
void compare_verdicts(Context& context, const VaultRecord& record, const std::vector<Validation>& validations);

void import_participants(Context& context);
void import_endpoints(Context& context);
void import_states(Context& context);
/// CAs and server certificates.
void import_certificates(Context& context);
void import_enrollments(Context& context);
void import_jws_keys(Context& context);

}  // namespace hubseal::agent::mcm
