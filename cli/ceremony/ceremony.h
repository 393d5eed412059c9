/// What turns an empty machine into a key room: PIN, token, keys and the CA, each made only if it is
/// not there. Production and the test rig go through the same steps.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/ceremony/child.h"
#include "cli/ensure.h"
#include "cli/session.h"
#include "common/result.h"

namespace hubseal::cli {

struct CeremonyPlan {
  std::filesystem::path config = "/etc/hubseal/hubseald.toml";
  std::string hubseald;     ///< empty: beside this program, else /usr/sbin/hubseald
  std::string so_pin_file;  ///< empty: "so-pin" beside the PIN file
  CaWish ca{.ca = "hub-ca", .key = "hub-ca", .profile = "hub-root", .subject = "", .form = "root"};
  std::string ca_key_type = "rsa_4096";
  std::string jws_key = "hub-jws";
  std::string jws_key_type = "rsa_2048";
  bool says_next = true;
};

/// The two places that the ceremony needs to know; hubseald itself reads the rest, strictly.
struct DaemonConfig {
  std::filesystem::path runtime_dir;
  std::optional<std::filesystem::path> pin_file;  ///< absent: the PIN is a systemd credential
};
Result<DaemonConfig> read_daemon_config(const std::filesystem::path& path);

/// What was done: one line each, in order, as the caller prints or collects them.
class Report {
 public:
  explicit Report(bool print) : print_(print) {}
  void step(const std::string& thing, const std::string& outcome);
  const Json& steps() const { return steps_; }

 private:
  bool print_;
  Json steps_;
};

/// `hubseald --check-config`: what it would refuse is refused before anything is made.
Result<> check_config(const CeremonyPlan& plan);

/// PIN and SO-PIN files, then the token.
Result<> ensure_token(const CeremonyPlan& plan, const DaemonConfig& config, Report& report);

/// A daemon that answers on `session.socket`: the one that runs already (nothing is returned then),
/// or a child for as long as the ceremony lasts.
Result<std::optional<Child>> ensure_daemon(const CeremonyPlan& plan, const Session& session, Report& report);

/// Whether people have stopped all signing, as the answer of `health` says.
bool is_sealed(const Json& health);

/// What is wrong with other CAs than `ca`, as the answer of `health` says.
std::vector<std::string> problems_of_others(const Json& health, const std::string& ca);

/// The error that says how hubseald ended, with the last line of what it wrote to standard error.
tl::unexpected<Error> ended(const std::string& command, int status, const std::string& errors);

/// The path of hubseald as the plan, or this program's own place, says.
std::string hubseald_path(const CeremonyPlan& plan);

}  // namespace hubseal::cli
