// hubseal key activate, suspend, deactivate, destroy, keep, confirm-backup: where a key stands in its life.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string label, evidence;
  bool compromised = false, gone = false;
};

ExitCode tell(const Session& session, const Json& key) {
  session.json ? session.print_json(key) : print(render_key(key));
  return ExitCode::ok;
}

/// The commands that name a key and nothing else.
Result<ExitCode> change(const Session& session, const char* operation, const Options& options) {
  return tell(session, TRY(session.call(operation, {{"key", options.label}})));
}

Result<ExitCode> deactivate(const Session& session, const Options& options) {
  Json fields = {{"key", options.label}};
  if (options.compromised) fields["compromised"] = true;
  return tell(session, TRY(session.call("deactivate_key", fields)));
}

Result<ExitCode> destroy(const Session& session, const Options& options) {
  Json fields = {{"key", options.label}};
  if (options.gone) fields["gone"] = true;
  return tell(session, TRY(session.call("destroy_key", fields)));
}

Result<ExitCode> confirm_backup(const Session& session, const Options& options) {
  return tell(session, TRY(session.call("confirm_backup", {{"key", options.label}, {"evidence", options.evidence}})));
}

CLI::App* key_command(CLI::App& key, const std::string& name, const std::string& description,
                      const std::string& examples, Options& options) {
  CLI::App* added = command(key, name, description, examples);
  added->add_option("label", options.label, "Name of the key")->required()->type_name("LABEL");
  return added;
}

void add_step(CLI::App& key, Session& session, const char* name, const char* operation, const char* description) {
  const auto options = std::make_shared<Options>();
  CLI::App* added =
      key_command(key, name, description, std::string("  hubseal key ") + name + " hub-jws-2\n", *options);
  on(added, session, options, [operation](const Session& in, const Options& of) { return change(in, operation, of); });
}

}  // namespace

void add_key_life(CLI::App& key, Session& session) {
  add_step(key, session, "activate", "activate_key", "Let a key sign: one that was made for later, or was suspended");
  add_step(key, session, "suspend", "suspend_key", "Stop a key at once; it can be activated again");
  add_step(key, session, "keep", "keep_key", "Take back that a key is to be destroyed");

  const auto last = std::make_shared<Options>();
  CLI::App* deactivating = key_command(
      key, "deactivate", "A key has signed for the last time, for ever; what it signed can still be verified",
      "  hubseal key deactivate hub-jws\n  hubseal key deactivate hub-jws --compromised\n", *last);
  deactivating->add_flag("--compromised", last->compromised,
                         "Somebody else may have had it: what it signed is in doubt");
  on(deactivating, session, last, deactivate);

  const auto ended = std::make_shared<Options>();
  CLI::App* destroying = key_command(
      key, "destroy",
      "Destroy a key in the token, after the delay that policy says: one that is deactivated, compromised or was never "
      "activated",
      "  hubseal key destroy hub-jws-2\n  hubseal key destroy hub-jws-2 --gone\n", *ended);
  destroying->add_flag(
      "--gone", ended->gone,
      "The token has lost it for good: from that day on it counts as destroyed, if the token shows all "
      "others");
  on(destroying, session, ended, destroy);

  const auto confirmed = std::make_shared<Options>();
  CLI::App* confirming = key_command(
      key, "confirm-backup", "Say that the wrapped backup of a key is in a safe place: from then on it may sign",
      "  hubseal key confirm-backup hub-ca --evidence \"HSM backup card 7, safe B, envelope 12\"\n", *confirmed);
  confirming->add_option("--evidence", confirmed->evidence, "Where it is, in a line; kept in the audit log")
      ->required()
      ->type_name("TEXT");
  on(confirming, session, confirmed, confirm_backup);
}

}  // namespace hubseal::cli
