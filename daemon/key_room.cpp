#include "daemon/key_room.h"

#include <pthread.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/log.h"
#include "common/version.h"
#include "daemon/ca/lint.h"
#include "daemon/dispatch.h"
#include "daemon/listeners.h"
#include "daemon/server.h"
#include "hsm/init_token.h"
#include "hsm/token_signer.h"

namespace hubseal::daemon {
namespace {

/// A folder of ours, closed to everybody else.
Result<> make_private_folder(const std::filesystem::path& path) {
  std::error_code problem;
  std::filesystem::create_directories(path, problem);
  struct stat info {};
  if (problem || ::stat(path.c_str(), &info) != 0)
    return fail(Code::storage_unavailable, fmt::format("{} cannot be used: {}", path.string(), problem.message()));
  if (info.st_uid != ::geteuid() || (info.st_mode & 0077) != 0)
    return fail(Code::bad_request, fmt::format("{} must belong to uid {} with mode 0700; found uid {}, mode {:04o}",
                                               path.string(), ::geteuid(), info.st_uid, info.st_mode & 07777));
  return {};
}

hsm::TokenConfig token_config(const Config& config) {
  const Config::Token& token = config.token;
  return {.module = token.module,
          .label = token.label,
          .serial = token.serial,
          .read_pin = [token] { return read_pin(token); },
          .marker_folder = config.server.state_dir,
          .name_pin = [token] { return name_pin(token); },
          .sessions = token.sessions,
          .session_copies = token.session_copies,
          .deadline = token.deadline};
}

/// SIGTERM and SIGINT are blocked in every thread and waited for in one, which asks the server to stop.
class StopSignals {
 public:
  StopSignals() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGTERM);
    ::sigaddset(&signals_, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }

  /// Waits for a signal in a thread of its own until it goes; the server must outlive it.
  class Watch {
   public:
    Watch(const sigset_t& signals, Server& server)
        : thread_([signals, &server] {
            int signal = 0;
            ::sigwait(&signals, &signal);
            ::sd_notify(0, "STOPPING=1");
            log::info("stopping", {{"signal", ::sigabbrev_np(signal)}});
            server.stop();
          }) {}
    ~Watch() {
      // When the server ended by itself, the thread still waits.
      ::pthread_kill(thread_.native_handle(), SIGTERM);
      thread_.join();
    }
    Watch(const Watch&) = delete;  // the thread exists once
    Watch& operator=(const Watch&) = delete;

   private:
    std::thread thread_;
  };
  Watch stop_on_signal(Server& server) const { return Watch(signals_, server); }

 private:
  sigset_t signals_{};
};

Json start_record(const hsm::TokenStatus& token, const Keyring& keyring) {
  Json keys = Json::array();
  if (const auto list = keyring.list())
    for (const Key& key : *list) keys.push_back(key.record.label);
  return Json{{"event", "started"},   {"version", kVersion},          {"module", token.module},
              {"token", token.label}, {"token_serial", token.serial}, {"keys", keys}};
}

}  // namespace

Result<> serve(const Config& config) {
  StopSignals signals;  // before any thread exists
  const SystemClock clock;
  const ca::Profiles profiles = TRY(ca::Profiles::load(config.server.profiles_dir));
  TRY(make_private_folder(config.server.state_dir));
  TRY(make_private_folder(config.server.state_dir / "audit"));
  const auto audit = TRY(AuditLog::open(config.server.state_dir / "audit", clock));
  const auto registry = TRY(Registry::open(config.server.state_dir));
  const auto signer = TRY(hsm::open_token(token_config(config)));
  const auto keyring = TRY(Keyring::open(*registry, *signer, clock));
  TRY(keyring->prove_all());
  const auto authorities = TRY(Authorities::open(*registry));
  ca::make_throwaway_keys();
  const ClockGuard guard(clock, *registry);
  Issuance issuance(*registry, *audit, *authorities, profiles, *signer, guard);
  jws::JwsSigner jws(*signer);
  Dispatcher dispatcher(Services{.registry = *registry,
                                 .audit = *audit,
                                 .keyring = *keyring,
                                 .authorities = *authorities,
                                 .issuance = issuance,
                                 .profiles = profiles,
                                 .jws = jws,
                                 .signer = *signer,
                                 .started = std::chrono::steady_clock::now()});
  TRY(audit->record(start_record(signer->status(), *keyring)));

  Server server(
      TRY(open_listeners(config.server.runtime_dir, config.peers)), config.peers,
      {.max_connections = config.server.max_connections,
       .line_timeout = config.server.line_timeout,
       .idle_timeout = config.server.idle_timeout,
       .drain = config.server.drain},
      [&](const Peer& peer, std::string_view line) { return dispatcher.handle(peer, line); },
      [&](const Peer& peer, const Error& error) { return dispatcher.refuse_line(peer, error); });
  const auto watch = signals.stop_on_signal(server);
  ::sd_notify(0, "READY=1");
  log::info("ready", {{"token", signer->status().label}, {"version", kVersion}});

  const bool drained = server.run();
  if (!drained) ::_exit(EXIT_FAILURE);  // their threads still use what would be destroyed here
  TRY(audit->record(Json{{"event", "stopped"}}));
  log::info("stopped");
  return {};
}

Result<> check(const Config& config) {
  const ca::Profiles profiles = TRY(ca::Profiles::load(config.server.profiles_dir));
  for (const PeerRule& rule : config.peers)
    for (const std::string& profile : rule.profiles)
      if (!profiles.find(profile))
        return fail(Code::bad_request, fmt::format("peer \"{}\" names the profile \"{}\", which {} does not hold",
                                                   rule.name, profile, config.server.profiles_dir.string()));
  fmt::print("configuration is good: {} peers, {} profiles\n", config.peers.size(), profiles.all().size());
  return {};
}

Result<> init_token(const Config& config, const std::filesystem::path& so_pin_file) {
  if (!config.token.label)
    return fail(Code::bad_request, "a token is initialised under a label; [token] names a serial");
  const SecretBytes so_pin = TRY(read_secret_file(so_pin_file, 256));
  const SecretBytes pin = TRY(read_pin(config.token));
  TRY(hsm::init_token(config.token.module, *config.token.label, so_pin, pin));
  fmt::print("token \"{}\" is initialised\n", *config.token.label);
  return {};
}

}  // namespace hubseal::daemon
