#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/ceremony/ceremony.h"
#include "cli/ceremony/pin_file.h"
#include "cli/input_output.h"

namespace hubseal::cli {
namespace {

constexpr std::chrono::minutes kInitToken{5};
constexpr std::size_t kShownOutput = 4096;

/// Other refusals (a user that the configuration names and nobody knows) have the same exit status.
bool token_exists(int status, const std::string& errors) {
  return status == static_cast<int>(ExitCode::refused) && errors.find(" code=conflict ") != std::string::npos;
}

/// The files of this run, taken away again when it turns out that they are not this token's PINs.
struct NewFiles {
  std::optional<std::filesystem::path> pin;
  std::optional<std::filesystem::path> so_pin;
  void discard() {
    if (pin) ::unlink(pin->c_str());
    if (so_pin) ::unlink(so_pin->c_str());
  }
};

Result<NewFiles> ensure_pin_files(const DaemonConfig& config, const std::filesystem::path& so_pin, Report& report) {
  NewFiles made;
  if (config.pin_file) {
    const PinFile pin = TRY(ensure_pin_file(*config.pin_file));
    if (pin == PinFile::made) made.pin = *config.pin_file;
    report.step("PIN file " + config.pin_file->string(), pin == PinFile::made ? "made" : "was there already");
  } else {
    report.step("PIN", "comes from a systemd credential");
  }
  if (TRY(ensure_pin_file(so_pin)) == PinFile::made) made.so_pin = so_pin;
  return made;
}

/// Which PIN a token has cannot be found out by trying: each wrong try brings it closer to locking.
Result<> token_was_there(NewFiles& made, Report& report) {
  made.discard();
  if (made.pin)
    return fail(Code::conflict,
                fmt::format("the token exists, but its PIN was not in {}: put the PIN into that file (mode 0600)",
                            made.pin->string()));
  report.step("token", "was there already");
  return {};
}

}  // namespace

Result<> ensure_token(const CeremonyPlan& plan, const DaemonConfig& config, Report& report) {
  std::filesystem::path so_pin = plan.so_pin_file;
  if (so_pin.empty()) so_pin = config.pin_file ? config.pin_file->parent_path() / "so-pin" : "so-pin";
  NewFiles made = TRY(ensure_pin_files(config, so_pin, report));

  Child child = TRY(Child::start(
      {hubseald_path(plan), "--config", plan.config.string(), "--init-token", "--so-pin-file", so_pin.string()}));
  const auto status = child.wait(kInitToken);
  if (!status) return fail(Code::hsm_unavailable, "the token was not made within five minutes");
  const std::string errors = child.errors(kShownOutput);
  if (token_exists(*status, errors)) return token_was_there(made, report);
  if (*status != 0) {
    // The files stay: the PIN may be set already, and the next try takes up where this one stopped.
    return ended("hubseald --init-token", *status, errors);
  }
  report.step("token", "made");
  report.step("SO-PIN file " + so_pin.string(),
              "take it offline: it can set a new PIN, and nothing here needs it again");
  return {};
}

}  // namespace hubseal::cli
