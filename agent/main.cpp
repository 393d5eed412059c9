/// hubseal-agent: the Connection Manager REST API in front of hubseald. Holds no private key of the
/// hub and no approval power.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/import_command.h"
#include "agent/migrate_command.h"
#include "common/command_line.h"
#include "common/log.h"
#include "common/version.h"

namespace {

using namespace hubseal;

int complain(const Error& error, std::string_view what = "hubseal-agent does not start") {
  log::error(what, {{"problem", error.message}});
  return error.code == Code::internal ? 1 : 2;
}

/// Two descriptors a connection, and the daemon's sockets: as many as the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int serve(const agent::Config& config) {
  // Blocked before any thread exists, so that only sigwait below receives them.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // A database that may not grow any more shall be an error of write(), not the end of the process.
  ::signal(SIGXFSZ, SIG_IGN);
  ::umask(0077);
  raise_descriptor_limit();

  const auto agent = agent::Agent::start(config);
  if (!agent) return complain(agent.error());
  ::sd_notify(0, "READY=1");
  int signal = 0;
  ::sigwait(&signals, &signal);
  ::sd_notify(0, "STOPPING=1");
  log::info("stopping", {{"signal", std::to_string(signal)}});
  (*agent)->stop();
  return 0;
}

/// Work on the store while no agent runs. What it makes is for this user alone.
template <class Command>
int work(const Command& command, const agent::Config& config) {
  ::umask(0077);
  const auto done = agent::run(command, config);
  return done ? 0 : complain(done.error(), "nothing was stored");
}

void add_options(CLI::App& migrate, agent::MigrateCommand& command) {
  const auto kinds = CLI::IsMember({"sqlite", "postgresql"});
  migrate.add_option("--from", command.from, "what to copy from")->required()->check(kinds);
  migrate.add_option("--to", command.to, "what to copy into: the [store] of the configuration")
      ->required()
      ->check(kinds);
  migrate.add_option("--from-path", command.from_path, "the SQLite file");
  migrate.add_option("--from-connection", command.from_connection, "the PostgreSQL, as [store] names one");
  migrate.add_flag("--dry-run", command.dry_run, "do it all, and undo it");
}

void add_options(CLI::App& import_mcm, agent::ImportCommand& command) {
  import_mcm.add_option("--dump", command.dump, "MCM's database, as mysqldump writes it")->required();
  import_mcm.add_option("--vault", command.vault, "MCM's KV store as JSON")->required();
  import_mcm.add_option("--hub-id", command.hub_id, "the hub's own id in MCM (SWITCH_ID), if [hub] id is another");
  import_mcm.add_flag("--json", command.json, "the report as JSON");
  import_mcm.add_flag("--dry-run", command.dry_run, "do it all, and undo it");
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("The Mojaloop Connection Manager REST API in front of hubseald");
  std::string path = "/etc/hubseal/agent.toml";
  bool check_only = false;
  app.add_option("--config", path, "configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only, "read the configuration file, say what is wrong with it, and stop");
  app.set_version_flag("--version", std::string("hubseal-agent ") + kVersion);
  app.fallthrough();  // --config may also stand behind a command
  agent::MigrateCommand migrate_command;
  CLI::App& migrate = *app.add_subcommand("migrate", "copy the store into an empty one of the other kind, and stop");
  add_options(migrate, migrate_command);
  agent::ImportCommand import_command;
  CLI::App& import_mcm =
      *app.add_subcommand("import-mcm", "fill an empty store with what a Connection Manager held, and stop");
  add_options(import_mcm, import_command);
  if (const auto status = read_options(app, argc, argv)) return *status;

  const auto config = agent::load_config(path);
  if (!config) return complain(config.error());
  if (check_only) return std::printf("%s: good\n", path.c_str()) < 0;
  if (migrate) return work(migrate_command, *config);
  if (import_mcm) return work(import_command, *config);
  return serve(*config);
} catch (const std::exception& problem) {
  hubseal::log::error("hubseal-agent failed", {{"problem", problem.what()}});
  return 1;
}
