#include <nlohmann/json.hpp>

#include "cli/ceremony/ceremony.h"
#include "common/fields.h"
#include "common/toml.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxPathBytes = 4096;

}  // namespace

Result<DaemonConfig> read_daemon_config(const std::filesystem::path& path) {
  const Json toml = TRY(read_toml(path, Trust::config));
  Fields fields = TRY(Fields::of(toml));
  Fields server = TRY(fields.object("server"));
  Fields token = TRY(fields.object("token"));
  DaemonConfig config;
  config.runtime_dir = TRY(server.text("runtime_dir", kMaxPathBytes));
  if (const auto pin = TRY(token.optional_text("pin_file", kMaxPathBytes))) config.pin_file = *pin;
  return config;
}

}  // namespace hubseal::cli
