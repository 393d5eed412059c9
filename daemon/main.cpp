/// hubseald: reads its configuration, opens the token, proves its keys, serves until SIGTERM.

#include <exception>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "common/command_line.h"
#include "common/exit_code.h"
#include "common/log.h"
#include "common/version.h"
#include "common/wire/message.h"
#include "daemon/config.h"
#include "daemon/hardening.h"
#include "daemon/serve.h"

using namespace hubseal;

namespace {

struct Options {
  std::string config = "/etc/hubseal/hubseald.toml";
  std::string so_pin_file;
  std::string policy_folder;
  bool json = false;
  bool check_only = false;
  bool init_token = false;
  bool adopt_policy = false;
  bool accept_state = false;
};

/// For people; or for `hubseal policy check`, as a reply of the protocol that also says what is wrong.
Result<> tell_policy(const Options& options) {
  constexpr char kId[] = "check-policy";
  const auto policy = daemon::check_policy(options.policy_folder);
  if (options.json && !policy) fmt::print("{}\n", wire::encode_error(kId, policy.error()));
  if (!policy) return tl::unexpected(policy.error());
  if (options.json)
    fmt::print("{}\n",
               wire::encode_ok(kId, {{"good", true}, {"profiles", policy->profiles}, {"sha256", policy->sha256}}));
  else
    fmt::print("policy is good: {} profiles, sha256 {}\n", policy->profiles, policy->sha256);
  return {};
}

Result<> run_as_asked(const Options& options) {
  TRY(daemon::harden_process());
  if (!options.policy_folder.empty()) return tell_policy(options);
  const daemon::Config config = TRY(daemon::Config::load(options.config));
  if (options.init_token) return daemon::init_token(config, options.so_pin_file);
  if (options.check_only) return daemon::check(config);
  if (options.adopt_policy) return daemon::adopt_policy(config);
  if (options.accept_state) return daemon::accept_state(config);
  return daemon::serve(config);
}

/// Nothing escapes: what a library throws is told like every other end.
Result<> run(const Options& options) {
  try {
    return run_as_asked(options);
  } catch (const std::exception& fault) {
    return fail(Code::internal, fault.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "hubseald: the key room of a Mojaloop hub. Holds CA and JWS keys in a PKCS#11 token and signs, over "
      "Unix sockets, what its configuration and profiles allow.",
      "hubseald"};
  app.set_version_flag("--version", fmt::format("hubseald {}", kVersion));
  Options options;
  app.add_option("--config", options.config, "configuration file")->capture_default_str()->type_name("FILE");
  auto* check =
      app.add_flag("--check-config", options.check_only, "read configuration and policy, say what is wrong, and end");
  auto* policy = app.add_option("--check-policy", options.policy_folder,
                                "read policy.toml and profiles/ of this folder, say what is wrong, and end")
                     ->type_name("FOLDER");
  app.add_flag("--json", options.json, "with --check-policy: answer as the protocol does, in one line of JSON")
      ->needs(policy);
  auto* adopt =
      app.add_flag("--adopt-policy", options.adopt_policy,
                   "take the policy's files into force for the next start, and end; hubseald must not be running");
  auto* accept = app.add_flag(
      "--accept-state", options.accept_state,
      "take registry and audit log as they are, though they are not of the token's time, and end; hubseald must "
      "not be running");
  auto* init = app.add_flag("--init-token", options.init_token,
                            "initialise the token that the configuration names (never one that exists)");
  init->needs(app.add_option("--so-pin-file", options.so_pin_file,
                             "file with the security officer's PIN; --init-token wants it")
                  ->type_name("FILE")
                  ->needs(init));
  // Each is all that a run does.
  check->excludes(adopt, accept, init, policy);
  adopt->excludes(accept, init, policy);
  accept->excludes(init, policy);
  init->excludes(policy);
  if (const auto status = read_options(app, argc, argv)) return *status;

  const auto result = run(options);
  if (result) return 0;
  const Error& error = result.error();
  log::error("hubseald ends", {{"code", std::string(to_string(error.code))}, {"reason", error.message}});
  return static_cast<int>(exit_code_of(error.code));
}
