#include "hsm/login_marker.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "common/files.h"
#include "common/log.h"

namespace hubseal::hsm {
namespace {

constexpr std::size_t kMaxBytes = 4096;

/// A serial number is what the token says it is, and here it becomes part of a path.
std::string file_name(std::string serial) {
  const auto harmless = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  std::replace_if(serial.begin(), serial.end(), std::not_fn(harmless), '_');
  return "pin-sent-" + serial;
}

}  // namespace

Result<LoginMarker> LoginMarker::check(const TokenConfig& config, const Token& token) {
  LoginMarker marker(config);
  if (config.marker_folder.empty()) return marker;
  marker.path_ = config.marker_folder / file_name(token.serial);
  marker.token_ = describe(token.identity());
  marker.pin_ = TRY(config.name_pin());
  std::error_code problem;
  if (std::filesystem::symlink_status(marker.path_, problem).type() == std::filesystem::file_type::not_found)
    return marker;

  const auto refuse = [&](std::string_view why) {
    return fail(Code::hsm_unavailable, fmt::format("login to token {} not tried: {}: {}",
                                                   log::printable(token.label, 32), why, marker.advice()));
  };
  const auto found = read_file(marker.path_, kMaxBytes, Trust::config);
  if (!found) return refuse(fmt::format("which PIN was sent to it before is not known ({})", found.error().message));
  if (*found != marker.content()) return marker;  // of another PIN, which will not be sent again
  return refuse(fmt::format(
      "this PIN ({}) was sent to it before, and the token refused it or hubseald ended before it knew", marker.pin_));
}

Result<> LoginMarker::place() const {
  if (path_.empty()) return {};
  if (TRY(config_->name_pin()) != pin_)
    return fail(Code::hsm_unavailable, "the PIN is not sent: it was exchanged while it was read");
  const Result<> written = write_file(path_, as_bytes(content()), 0600);
  if (written) return {};
  remove();  // it may be there and not be durable, and nothing is sent
  return fail(Code::hsm_unavailable,
              fmt::format("the PIN is not sent, because this could not be noted: {}", written.error().message));
}

void LoginMarker::remove() const {
  if (path_.empty()) return;
  if (const Result<> removed = remove_file(path_); !removed)
    log::error("login marker not removed", {{"reason", removed.error().message}});
}

std::string LoginMarker::advice() const {
  if (path_.empty()) return "check it, then restart";
  return fmt::format(
      "put the right one into the PIN file, or remove {} when this one is known to be right or a credential was "
      "replaced; then restart",
      path_.string());
}

std::string LoginMarker::content() const { return fmt::format("token {}\n{}\n", token_, pin_); }

}  // namespace hubseal::hsm
