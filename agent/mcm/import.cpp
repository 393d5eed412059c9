#include "agent/mcm/import.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/mcm/context.h"
#include "agent/service/connectivity.h"
#include "agent/service/dfsps.h"
#include "common/log.h"
#include "common/number.h"

namespace hubseal::agent::mcm {
namespace {

struct Wanted {
  std::string_view table;
  std::vector<std::string_view> columns;
};

std::vector<std::string_view> columns_of_states() {
  std::vector<std::string_view> columns = {"id", "dfspId"};
  columns.insert(columns.end(), kConnectorStates.begin(), kConnectorStates.end());
  return columns;
}

const std::vector<Wanted>& wanted_tables() {
  static const std::vector<Wanted> kWanted = {
      {"dfsps",
       {"id", "name", "dfsp_id", "security_group", "monetaryZoneId", "isProxy", "watch", "pingStatus",
        "lastUpdatedPingStatusAt"}},
      {"fxp_supported_currencies", {"id", "dfspId", "monetaryZoneId"}},
      {"dfsp_endpoint_items", {"id", "dfsp_id", "state", "direction", "value", "type", "created_date"}},
      {"hub_endpoint_items", {"id", "state", "direction", "value", "type", "created_date"}},
      {"dfsp_endpoint", {"id", "dfsp_id", "direction", "value", "created_at"}},
      {"dfsp_states_status", columns_of_states()},
      {"external_dfsps", {"id", "external_dfsp_id", "source_dfsp_id"}},
      {"gid", {"id"}},
  };
  return kWanted;
}

/// Tables whose rows are not brought over, and why.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kKnownTables = {{
    {"currency", "the currencies of ISO 4217 are built in"},
    {"monetaryZone", "each currency of ISO 4217 is a zone"},
    {"knex_migrations", "the state of MCM's own schema"},
    {"knex_migrations_lock", "the state of MCM's own schema"},
    {"sessions", "people log in again; the rows hold tokens of the identity provider"},
    {"inbound_enrollments", "MCM 3.4.0 does not read this table"},
    {"outbound_enrollments", "MCM 3.4.0 does not read this table"},
    {"dfsp_cas", "MCM 3.4.0 does not read this table"},
    {"hub_server_certs", "MCM 3.4.0 does not read this table"},
    {"dfsp_server_certs", "MCM 3.4.0 does not read this table"},
    {"hub_issuer_cas", "MCM 3.4.0 does not read this table"},
}};

Result<> check_tables(const MysqlDump& dump) {
  for (const Wanted& wanted : wanted_tables()) {
    const DumpTable* table = dump.find(std::string(wanted.table));
    if (!table)
      return fail(
          Code::bad_request,
          fmt::format("the dump has no table {}; wanted the database of a Connection Manager 3.4.0", wanted.table));
    for (const std::string_view column : wanted.columns)
      if (std::find(table->columns.begin(), table->columns.end(), column) == table->columns.end())
        return fail(Code::bad_request, fmt::format("table {} of the dump has no column {}; wanted the database of a "
                                                   "Connection Manager 3.4.0",
                                                   wanted.table, column));
  }
  return {};
}

/// MySQL keeps one row of each number: a dump with two was altered, or put together.
Result<> check_numbers(const MysqlDump& dump) {
  for (const Wanted& wanted : wanted_tables()) {
    const std::string name(wanted.table);
    if (name == "gid") continue;  // its key is another column
    const DumpTable& table = *dump.find(name);
    std::set<std::int64_t> seen;
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      if (const auto id = DumpRow(name, table, i).number("id"); id && !seen.insert(*id).second)
        return fail(Code::bad_request, fmt::format("table {} of the dump has two rows with the id {}; wanted a dump as "
                                                   "mysqldump wrote it",
                                                   name, *id));
  }
  return {};
}

void note_other_tables(Context& context) {
  for (const auto& [name, table] : context.dump.tables()) {
    if (table.rows.empty()) continue;
    const auto same = [&name = name](const auto& known) { return known == name; };
    if (std::any_of(wanted_tables().begin(), wanted_tables().end(), [&](const Wanted& w) { return same(w.table); }))
      continue;
    const auto* known =
        std::find_if(kKnownTables.begin(), kKnownTables.end(), [&](const auto& k) { return same(k.first); });
    context.leave_out(fmt::format("table {}, {} rows", name, table.rows.size()),
                      std::string(known == kKnownTables.end() ? "no table of MCM 3.4.0" : known->second));
  }
}

void note_private_keys(Context& context) {
  for (const FoundKey& key : context.vault.private_keys)
    context.out.report.private_keys.push_back({key.path, key.kind});
  for (const auto& [name, table] : context.dump.tables())
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      for (std::size_t column = 0; column < table.columns.size(); ++column)
        if (const auto& value = table.rows[i][column]; value)
          if (auto kind = private_key_in(*value); !kind.empty())
            context.out.report.private_keys.push_back(
                {fmt::format("{}, column {}", DumpRow(name, table, i).where(), table.columns[column]),
                 std::move(kind)});
}

/// Records of Vault that belong to no participant.
void note_other_records(Context& context) {
  for (const VaultRecord& record : context.vault.records) {
    if (record.kind.empty())
      context.leave_out(record.path,
                        "no record of MCM's own: an onboarding bundle or a whitelist is made anew by onboarding");
    if (record.kind == "hub-server-cert")
      context.leave_out(record.path, "MCM threw its private key away; the hub's is made by hubseald");
    if (record.kind == "hub-ca-details" || record.kind == "hub-endpoints")
      context.leave_out(record.path, "MCM writes it and never reads it; bring the CA with hubseal");
    if (record.kind == "api-credentials") context.leave_out(record.path, "a secret; have it made anew");
  }
}

void set_counters(Context& context) {
  const auto highest = [&](const std::string& table, std::int64_t& counter) {
    context.for_each_row(table, [&](const DumpRow& row) { counter = std::max(counter, row.number("id").value_or(0)); });
  };
  auto& counters = context.out.import.counters;
  highest("dfsps", counters.dfsp);
  highest("gid", counters.enrollment);
  highest("hub_endpoint_items", counters.hub_endpoint_item);
  highest("dfsp_endpoint_items", counters.dfsp_endpoint_item);
  highest("dfsp_endpoint", counters.dfsp_endpoint);
}

}  // namespace

DumpRow::DumpRow(const std::string& table_name, const DumpTable& table, std::size_t index)
    : table_(&table), values_(&table.rows[index]) {
  const auto id = text("id");
  where_ = id && parse_number<std::int64_t>(*id) ? fmt::format("{} row {}", table_name, *id)
                                                 : fmt::format("{}, row {} of the table", table_name, index + 1);
}

std::optional<std::string> DumpRow::text(std::string_view column) const {
  const auto place = std::find(table_->columns.begin(), table_->columns.end(), column);
  if (place == table_->columns.end()) return std::nullopt;
  return (*values_)[static_cast<std::size_t>(place - table_->columns.begin())];
}

std::optional<std::int64_t> DumpRow::number(std::string_view column) const {
  const auto found = text(column);
  return found ? parse_number<std::int64_t>(*found) : std::nullopt;
}

std::optional<std::string> Context::owner(const std::string& where, std::optional<std::int64_t> number) {
  if (const auto found = number ? dfsps.find(*number) : dfsps.end(); found != dfsps.end()) return found->second;
  const auto known = number ? refused.find(*number) : refused.end();
  leave_out(where, known == refused.end() ? "it belongs to no DFSP" : "its DFSP is left out: " + known->second);
  return std::nullopt;
}

std::optional<std::string> Context::named(std::string_view id) const {
  for (const auto& [number, known] : dfsps)
    if (store::folded(known) == store::folded(id)) return known;
  return std::nullopt;
}

bool Context::is_hub(std::string_view id) const {
  const auto& ids = rules.hub_ids;
  return std::any_of(ids.begin(), ids.end(), [&](const auto& hub_id) { return agent::is_hub(hub_id, id); });
}

std::string Context::time_of(const std::string& where, const std::optional<std::string>& text) {
  constexpr std::size_t kSeconds = 19;  // "2026-11-23 10:00:00"; a fraction is cut off
  std::string time = text.value_or("").substr(0, kSeconds) + "Z";
  if (time.size() > kSeconds && time[10] == ' ') time[10] = 'T';
  if (parse_utc(time)) return time;
  change(where, fmt::format("its time is \"{}\"; now is taken", log::printable(text.value_or("NULL"), 40)));
  return format_utc(now);
}

Result<std::optional<std::string>> text_of(const VaultRecord& record, const char* member) {
  const auto found = record.data.find(member);
  if (found == record.data.end() || found->is_null()) return std::nullopt;
  if (!found->is_string()) return fail(Code::bad_request, fmt::format("its {} is no text", member));
  return found->get<std::string>();
}

void compare_verdicts(Context& context, const VaultRecord& record, const std::vector<Validation>& validations) {
  const auto theirs = text_of(record, "validationState");
  const std::string_view ours = to_string(overall(validations));
  if (!theirs || !*theirs || **theirs == ours) return;
  std::string why;
  for (const Validation& validation : validations)
    if (validation.verdict == Verdict::invalid) why += fmt::format("; {}: {}", validation.code, validation.message);
  context.change(record.path, fmt::format("MCM said {}, now it is {}{}", log::printable(**theirs, 16), ours, why));
}

Result<Outcome> read_mcm(const MysqlDump& dump, const VaultExport& vault, const Rules& rules, TimePoint now) {
  TRY(check_tables(dump));
  TRY(check_numbers(dump));
  Context context{dump, vault, rules, now};
  set_counters(context);
  import_participants(context);
  import_endpoints(context);
  import_states(context);
  import_certificates(context);
  import_enrollments(context);
  import_jws_keys(context);
  note_other_records(context);
  note_other_tables(context);
  note_private_keys(context);
  return std::move(context.out);
}

}  // namespace hubseal::agent::mcm
