#include <nlohmann/json.hpp>

#include "cli/ceremony/ceremony.h"
#include "common/fields.h"
#include "common/toml.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxPathBytes = 4096;

}  // namespace

Result<DaemonConfig> read_daemon_config(const std::filesystem::path& path) {
  auto read = read_toml(path, Trust::config);
  // Not the daemon's not_found: the command line names a file that is not there.
  if (!read && read.error().code == Code::not_found)
    return fail(Code::bad_request, "input file " + read.error().message);
  const Json toml = TRY(std::move(read));
  Fields fields = TRY(Fields::of(toml));
  Fields server = TRY(fields.object("server"));
  Fields token = TRY(fields.object("token"));
  DaemonConfig config;
  config.runtime_dir = TRY(server.text("runtime_dir", kMaxPathBytes));
  if (const auto pin = TRY(token.optional_text("pin_file", kMaxPathBytes))) config.pin_file = *pin;
  return config;
}

}  // namespace hubseal::cli
