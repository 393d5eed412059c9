#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "common/json.h"
#include "common/unique_fd.h"
#include "common/wire/daemon_client.h"
#include "tests/support/fake_token.h"

namespace hubseal::test {

/// A real hubseald as its own process, on a SoftHSM token of its own, in a temporary folder: shipped
/// profiles and the test root, and one peer entry per socket for the user who runs this.
/// Owns: the process (stopped when this goes) and the folder.
/// Threads: one; `socket()` and what it reads of the process may be used by any.
/// Errors: throws with what the daemon wrote.
class Rig {
 public:
  struct Options {
    std::filesystem::path hubseald;
    bool session_copies = true;  ///< as shipped
    unsigned sessions = 0;       ///< as shipped: one per core
    std::vector<std::string> jws_keys;
    /// Above 0: each signature of the token takes so much longer and costs no CPU here, as that of an HSM elsewhere.
    std::chrono::milliseconds token_delay{0};
    unsigned log_file_mib = 4;  ///< of the audit log; 64 as shipped
  };

  /// Starts the daemon and waits for its READY.
  explicit Rig(const Options& options);
  ~Rig();
  Rig(const Rig&) = delete;  // the process exists once
  Rig& operator=(const Rig&) = delete;

  std::string socket(std::string_view role) const { return folder() / "run" / (std::string(role) + ".sock"); }
  /// Asks over admin.sock.
  Json admin(std::string_view op, const Json& fields);
  /// A key and a root CA of this name.
  void make_ca(const std::string& name, std::string_view key_type);

  pid_t pid() const { return pid_; }
  /// CPU time of all its threads so far, those that have ended too.
  std::chrono::nanoseconds cpu() const;
  std::size_t resident_bytes() const;
  /// Nothing where we may not look (the daemon is undumpable, so only root may).
  std::optional<std::size_t> open_files() const;
  std::filesystem::path audit_folder() const { return folder() / "state" / "audit"; }
  std::string log() const;
  const TestToken& token() const { return token_.token(); }
  /// What hubseald loads: SoftHSM, or fake_p11.so in front of it where there is a delay.
  std::filesystem::path token_module() const { return token_module_; }

  /// SIGTERM, and its exit status; 128 + n for a signal.
  int stop();
  /// After stop(), on the same folder and token. Waits for its READY.
  void start();

 private:
  const std::filesystem::path& folder() const { return token().folder(); }
  void write_config(const Options& options) const;
  void await_ready(const UniqueFd& notifications);

  FakeToken token_;
  const std::filesystem::path hubseald_, token_module_;
  pid_t pid_ = -1;
  UniqueFd process_;  // pidfd: readable once it has ended
  std::unique_ptr<wire::DaemonClient> admin_;
};

}  // namespace hubseal::test
