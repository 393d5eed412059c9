#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/secret_bytes.h"
#include "daemon/audit.h"
#include "daemon/checkpoints.h"
#include "daemon/peer.h"
#include "daemon/policy/policy.h"

namespace hubseal::daemon {

/// hubseald.toml, read once at start. config/hubseald.toml is its commented reference.
struct Config {
  struct Server {
    std::filesystem::path runtime_dir;
    std::filesystem::path state_dir;
    std::filesystem::path crl_dir;  ///< where CRLs are published; default: crl in state_dir
    PolicyFiles policy;
    unsigned max_connections = 64;  ///< per socket
    std::chrono::seconds line_timeout{5};
    std::chrono::seconds idle_timeout{300};
    std::chrono::seconds drain{10};
  };
  struct Token {
    std::filesystem::path module;
    std::optional<std::string> label;  ///< exactly one of label and serial
    std::optional<std::string> serial;
    std::optional<std::filesystem::path> pin_file;  ///< exactly one of pin_file and pin_credential
    std::optional<std::string> pin_credential;      ///< name of a systemd credential
    unsigned sessions = 0;
    bool session_copies = false;
    std::chrono::milliseconds deadline{5000};
  };

  struct Audit {
    std::int64_t file_bytes = AuditLog::kFileBytes;
    Checkpoints::Settings checkpoints;
  };

  Server server;
  Audit audit;
  Token token;
  std::vector<PeerRule> peers;

  /// Errors: bad_request naming file and key; not_found for a user or group that does not exist.
  static Result<Config> load(const std::filesystem::path& path);
};

/// The PIN, read anew each time it is needed; the caller wipes it by letting it go.
Result<SecretBytes> read_pin(const Config::Token& token);

/// What tells this PIN from the next one without looking at it, for hsm::TokenConfig::name_pin. A file: its path,
/// inode and the time when it was written. A credential: its name and no more, because systemd makes the file anew
/// at each start, and the encrypted one is root's.
Result<std::string> name_pin(const Config::Token& token);

}  // namespace hubseal::daemon
