/// hubseald: reads its configuration, opens the token, proves its keys, serves until SIGTERM.

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "common/exit_code.h"
#include "common/log.h"
#include "common/version.h"
#include "daemon/config.h"
#include "daemon/hardening.h"
#include "daemon/serve.h"

using namespace hubseal;

namespace {

Result<> run(const std::string& config_path, const std::string& so_pin_file, bool init_token, bool check_only) {
  TRY(daemon::harden_process());
  const daemon::Config config = TRY(daemon::Config::load(config_path));
  if (init_token) return daemon::init_token(config, so_pin_file);
  if (check_only) return daemon::check(config);
  return daemon::serve(config);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "hubseald: the key room of a Mojaloop hub. Holds CA and JWS keys in a PKCS#11 token and signs, over "
      "Unix sockets, what its configuration and profiles allow.",
      "hubseald"};
  app.set_version_flag("--version", fmt::format("hubseald {}", kVersion));
  std::string config = "/etc/hubseal/hubseald.toml";
  std::string so_pin_file;
  bool check_only = false;
  bool init_token = false;
  app.add_option("--config", config, "configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only, "read configuration and profiles, say what is wrong, and end");
  auto* init = app.add_flag("--init-token", init_token,
                            "initialise the token that the configuration names (never one that exists)");
  app.add_option("--so-pin-file", so_pin_file, "file with the security officer's PIN for --init-token")->needs(init);
  CLI11_PARSE(app, argc, argv);

  const auto result = run(config, so_pin_file, init_token, check_only);
  if (result) return 0;
  const Error& error = result.error();
  log::error("hubseald ends", {{"code", std::string(to_string(error.code))}, {"reason", error.message}});
  return static_cast<int>(exit_code_of(error.code));
}
