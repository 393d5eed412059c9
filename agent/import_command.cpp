#include "agent/import_command.h"

#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/config.h"
#include "agent/mcm/import.h"
#include "agent/store/import.h"
#include "common/files.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

/// Private keys and sessions of the Connection Manager's are in them: that they are read here does not make them
/// harmless.
void warn_if_others_may_read(const std::string& path) {
  using std::filesystem::perms;
  std::error_code problem;
  const perms mode = std::filesystem::status(path, problem).permissions();
  if (problem || (mode & (perms::group_read | perms::others_read)) == perms::none) return;
  log::warning("others may read what the Connection Manager kept secret",
               {{"file", path}, {"mode", fmt::format("{:04o}", static_cast<unsigned>(mode))}, {"wanted", "0600"}});
}

}  // namespace

Result<> run(const ImportCommand& command, const Config& config) {
  mcm::Rules rules{config.csr_rsa_bits, {}, TRY(store::currencies()), config.dfsp_group_prefix()};
  if (config.hub_id) rules.hub_ids.push_back(*config.hub_id);
  if (!command.hub_id.empty()) rules.hub_ids.push_back(command.hub_id);
  const TimePoint now = SystemClock().now();
  for (const std::string& path : {command.dump, command.vault}) warn_if_others_may_read(path);
  // What they say is checked, whoever wrote them.
  const auto dump = TRY(mcm::MysqlDump::parse(TRY(read_file(command.dump, mcm::kMaxDumpBytes, Trust::any))));
  const auto vault = TRY(mcm::VaultExport::parse(TRY(read_file(command.vault, mcm::kMaxVaultBytes, Trust::any))));
  const auto read = TRY(mcm::read_mcm(dump, vault, rules, now));
  TRY(store::store(read.import, config.database, now, command.dry_run));
  if (command.json) {
    Json report = mcm::to_json(read.report);
    report["dry_run"] = command.dry_run;
    fmt::print("{}\n", report.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}{}", mcm::to_text(read.report), command.dry_run ? "\na dry run: nothing was kept\n" : "");
  }
  std::fflush(stdout);
  return {};
}

}  // namespace hubseal::agent
