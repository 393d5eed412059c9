#include "daemon/serve.h"

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
#include "daemon/descriptors.h"
#include "daemon/key_room.h"
#include "daemon/listeners.h"
#include "daemon/server.h"
#include "hsm/init_token.h"
#include "hsm/token_signer.h"

namespace hubseal::daemon {
namespace {

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

/// The module's code runs in this process. What is no file is not opened: a pipe would keep the start waiting, deaf to
/// signals, for somebody who writes into it.
Result<> check_module(const Config& config) {
  const std::filesystem::path& module = config.token.module;
  if (const auto trusted = check_trusted_path(module); !trusted)
    return fail(Code::bad_request, fmt::format("token.module: {}", trusted.error().message));
  std::error_code problem;
  if (std::filesystem::is_regular_file(module, problem)) return {};
  return fail(Code::bad_request, fmt::format("token.module: {} is not a regular file; wanted a PKCS#11 module, such as "
                                             "/usr/lib/softhsm/libsofthsm2.so",
                                             module.string()));
}

/// Whether root looks at what another user will use: whether that user may cannot be told from here.
bool is_for_another(std::string_view key, const std::filesystem::path& path) {
  struct stat info {};
  if (::geteuid() != 0 || ::stat(path.c_str(), &info) != 0 || info.st_uid == 0) return false;
  fmt::print("{}: {} belongs to uid {} and was not checked; check the configuration as that user\n", key, path.string(),
             info.st_uid);
  return true;
}

/// As the start looks at it.
Result<> check_folder_of(std::string_view key, const std::filesystem::path& path,
                         Result<> (*check)(const std::filesystem::path&)) {
  if (is_for_another(key, path)) return {};
  TRY(check(path));
  std::error_code problem;
  if (!std::filesystem::exists(path, problem))
    fmt::print("{}: {} is not there yet; the start makes it\n", key, path.string());
  return {};
}

/// A PIN file that is there must be fit to be read; the first ceremony makes it.
Result<> check_pin_file(const Config::Token& token) {
  std::error_code problem;
  if (!token.pin_file || is_for_another("token.pin_file", *token.pin_file)) return {};
  if (!std::filesystem::exists(*token.pin_file, problem)) {
    fmt::print("token.pin_file: {} is not there yet; hubseal init makes it\n", token.pin_file->string());
    return {};
  }
  const auto pin = read_pin(token);
  if (pin) return {};
  return fail(Code::bad_request, fmt::format("token.pin_file: {}", pin.error().message));
}

/// What asks for an orderly end: also Ctrl-C, Ctrl-\ and a terminal that is closed. They are blocked in every thread
/// and waited for in one, which asks the server to stop. So none of them ends a login that is under way, whose
/// answer nobody would hear then (decision 013).
class StopSignals {
 public:
  StopSignals() {
    ::sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::sigaddset(&signals_, signal);
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

bool has_registry(const std::filesystem::path& state_dir) {
  return std::filesystem::exists(state_dir / "registry.sqlite");
}

/// To systemd, which would end a start that takes too long (TimeoutStartSec): from now on it waits as long again. Each
/// file of the log is read well within that.
void tell_reading(std::uint64_t records, std::uint64_t of) {
  constexpr std::chrono::microseconds kMoreTime = std::chrono::minutes(3);
  const std::string state = fmt::format("EXTEND_TIMEOUT_USEC={}\nSTATUS=reading the audit log: {} of {} records",
                                        kMoreTime.count(), records, of);
  ::sd_notify(0, state.c_str());
}

Result<std::unique_ptr<KeyRoom>> open_room(const Config& config, const StateFolder& state, hsm::Signer& signer,
                                           const Clock& clock) {
  return KeyRoom::open({.state = state,
                        .policy = config.server.policy,
                        .peers = config.peers,
                        .audit_file_bytes = config.audit.file_bytes,
                        .crl_folder = config.server.crl_dir,
                        .reading = &tell_reading},
                       signer, clock);
}

Json start_record(const hsm::TokenStatus& token, const Keyring& keyring, const Policy& policy) {
  Json keys = Json::array();
  if (const auto list = keyring.list())
    for (const Key& key : *list) keys.push_back(key.record.label);
  return Json{{"event", "started"},
              {"version", kVersion},
              {"module", token.module},
              {"token", token.label},
              {"token_serial", token.serial},
              {"keys", keys},
              {"policy_version", policy.version},
              {"policy_sha256", to_hex(policy.hash)}};
}

}  // namespace

Result<> serve(const Config& config) {
  StopSignals signals;  // before any thread exists
  const SystemClock clock;
  TRY(make_room_for_connections(config.server.max_connections));
  TRY(check_module(config));
  if (!are_sockets_passed()) TRY(check_socket_groups(config.server.runtime_dir, config.peers));
  const StateFolder state = TRY(StateFolder::take(config.server.state_dir));
  // What is wrong with the files that the first start takes is told before the token is asked.
  if (!has_registry(state.path())) TRY(read_policy(config.server.policy));
  const auto signer = TRY(hsm::open_token(token_config(config)));
  const auto room = TRY(open_room(config, state, *signer, clock));
  TRY(room->prove());
  TRY(room->start_checkpoints(config.audit.checkpoints));
  TRY(room->audit().record(start_record(signer->status(), room->keyring(), *room->policies().current())));

  Dispatcher& dispatcher = room->dispatcher();
  Server server(
      TRY(open_listeners(config.server.runtime_dir, config.peers)), config.peers,
      {.max_connections = config.server.max_connections,
       .line_timeout = config.server.line_timeout,
       .idle_timeout = config.server.idle_timeout,
       .drain = config.server.drain},
      [&](const Peer& peer, std::string_view line) { return dispatcher.handle(peer, line); },
      [&](const Peer& peer, const Error& error) { return dispatcher.refuse_line(peer, error); });
  room->start_housekeeping();
  if (const auto made = room->checkpoints().make(); !made)
    log::warning("no checkpoint of the audit log at the start", {{"reason", made.error().message}});
  const auto watch = signals.stop_on_signal(server);
  ::sd_notify(0, "READY=1\nSTATUS=ready");
  log::info("ready", {{"token", signer->status().label}, {"version", kVersion}});

  const bool drained = server.run();
  if (!drained) ::_exit(EXIT_FAILURE);  // their threads still use what would be destroyed here
  TRY(room->save());
  TRY(room->audit().record(Json{{"event", "stopped"}}));
  room->checkpoints().note_decisions();
  if (const auto made = room->checkpoints().make(); !made)
    log::warning("the last records have no checkpoint yet", {{"reason", made.error().message}});
  log::info("stopped");
  return {};
}

Result<> check(const Config& config) {
  TRY(check_module(config));
  TRY(check_pin_file(config.token));
  TRY(check_folder_of("server.state_dir", config.server.state_dir, &StateFolder::check));
  TRY(check_folder_of("server.runtime_dir", config.server.runtime_dir, &check_runtime_dir));
  TRY(check_socket_groups(config.server.runtime_dir, config.peers));
  const Policy policy = TRY(read_policy(config.server.policy));
  TRY(check_profiles(policy, config.peers));
  fmt::print("configuration is good: {} peers, {} profiles\n", config.peers.size(), policy.profiles.all().size());
  return {};
}

Result<PolicySummary> check_policy(const std::filesystem::path& folder) {
  const auto policy = read_policy({.policy_file = folder / "policy.toml", .profiles_dir = folder / "profiles"});
  if (!policy && policy.error().code == Code::not_found) return fail(Code::bad_request, policy.error().message);
  if (!policy) return tl::unexpected(policy.error());
  return PolicySummary{.profiles = policy->profiles.all().size(), .sha256 = to_hex(policy->hash)};
}

Result<> adopt_policy(const Config& config) {
  const SystemClock clock;
  TRY(check_profiles(TRY(read_policy(config.server.policy)), config.peers));
  if (!has_registry(config.server.state_dir)) {
    fmt::print("no policy is stored yet: the first start takes these files\n");
    return {};
  }
  const StateFolder state = TRY(StateFolder::take(config.server.state_dir));  // no daemon meanwhile
  const auto audit = TRY(AuditLog::open(state.audit(), clock));
  const auto registry = TRY(Registry::open(state.path()));
  TRY(refuse_empty_log(*registry, *audit));
  TRY(note_lost_work(*registry, *audit));
  const auto adopted = TRY(adopt_files(config.server.policy, *registry, clock, ::getuid()));
  if (!adopted || !adopted->changed) {
    fmt::print("policy version {} is what these files say; nothing was changed\n", adopted ? adopted->version : 1);
    return {};
  }
  TRY(audit->record(Json{{"event", "policy_adopted"},
                         {"version", adopted->version},
                         {"sha256", to_hex(adopted->after)},
                         {"replaces", to_hex(adopted->before)},
                         {"uid", ::getuid()}}));
  fmt::print("policy version {} comes into force with the next start\n", adopted->version);
  return {};
}

Result<> accept_state(const Config& config) {
  const SystemClock clock;
  TRY(check_module(config));
  const StateFolder state = TRY(StateFolder::take(config.server.state_dir));  // no daemon meanwhile
  const auto signer = TRY(hsm::open_token(token_config(config)));
  const auto room = TRY(open_room(config, state, *signer, clock));
  auto settings = config.audit.checkpoints;
  settings.begin_anew = true;
  TRY(room->start_checkpoints(std::move(settings)));
  const auto accepted = TRY(room->accept_old_state(::getuid()));
  if (accepted)
    fmt::print("accepted as it is: {}\n", *accepted);
  else
    fmt::print("registry, audit log and token are of one time\n");
  return {};
}

Result<> init_token(const Config& config, const std::filesystem::path& so_pin_file) {
  if (!config.token.label)
    return fail(Code::bad_request, "a token is initialised under a label; [token] names a serial");
  TRY(check_module(config));
  const SecretBytes so_pin = TRY(read_secret_line(so_pin_file, 256));
  const SecretBytes pin = TRY(read_pin(config.token));
  TRY(hsm::init_token(config.token.module, *config.token.label, so_pin, pin));
  fmt::print("token \"{}\" is initialised\n", *config.token.label);
  return {};
}

}  // namespace hubseal::daemon
