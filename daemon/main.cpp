/// hubseald: reads its configuration, opens the token, proves its keys, serves until SIGTERM.

#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/log.h"
#include "common/version.h"
#include "daemon/config.h"
#include "daemon/hardening.h"
#include "daemon/key_room.h"

using namespace hubseal;

namespace {

// DESIGN: bad input 2, refused 3, unavailable 4, everything else 1.
int exit_code(Code code) {
  switch (code) {
    case Code::bad_request:
    case Code::too_large: return 2;
    case Code::forbidden:
    case Code::not_found:
    case Code::conflict:
    case Code::policy_denied: return 3;
    case Code::approval_required: return 5;
    case Code::hsm_busy:
    case Code::rate_limited:
    case Code::hsm_unavailable:
    case Code::storage_unavailable: return 4;
    case Code::internal: return 1;
  }
  return 1;
}

Result<> run(const std::string& config_path, const std::string& so_pin_file, bool init_token, bool check_only) {
  TRY(daemon::harden_process());
  const daemon::Config config = TRY(daemon::Config::load(config_path));
  if (init_token) return daemon::init_token(config, so_pin_file);
  if (check_only) return daemon::check(config);
  return daemon::serve(config);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"hubseald: the key room of a Mojaloop hub. Holds CA and JWS keys in a PKCS#11 token and signs, over "
               "Unix sockets, what its configuration and profiles allow.", "hubseald"};
  app.set_version_flag("--version", fmt::format("hubseald {}", kVersion));
  std::string config = "/etc/hubseal/hubseald.toml";
  std::string so_pin_file;
  app.add_option("--config", config, "configuration file")->capture_default_str();
  const auto* check = app.add_flag("--check-config", "read configuration and profiles, say what is wrong, and end");
  auto* init = app.add_flag("--init-token", "initialise the token that the configuration names (never one that exists)");
  app.add_option("--so-pin-file", so_pin_file, "file with the security officer's PIN for --init-token")->needs(init);
  CLI11_PARSE(app, argc, argv);

  const auto result = run(config, so_pin_file, init->count() > 0, check->count() > 0);
  if (result) return 0;
  log::error("hubseald ends", {{"code", std::string(to_string(result.error().code))}, {"reason", result.error().message}});
  return exit_code(result.error().code);
}
