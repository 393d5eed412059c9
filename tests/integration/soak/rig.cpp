#include "tests/integration/soak/rig.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <regex>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "tests/support/must.h"
#include "tests/support/unix_socket.h"

namespace hubseal::test {
namespace {

// Sanitizers make starting (RSA self-tests, module loading) many times slower.
constexpr int kReadyTimeoutMs = 120'000;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_private(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

UniqueFd notification_socket(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = unix_address(path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("bind " + path);
  return fd;
}

constexpr std::string_view kConfig = R"([server]
runtime_dir = "{0}/run"
state_dir = "{0}/state"
policy_file = "{0}/policy.toml"
profiles_dir = "{0}/profiles"

[token]
module = "{1}"
label = "{2}"
pin_file = "{0}/pin"
session_copies = {3}
sessions = {4}

[audit]
file_mib = {5}
)";

constexpr std::string_view kPeer = R"(
[[peer]]
name = "{0}"
socket = "{0}"
user = "{1}"
permissions = [{2}]
profiles = ["dfsp-client", "dfsp-server", "consent-client"]
keys = ["{3}"]
sources = ["hub"]
messages = ["PUT /quotes/*"]
)";

}  // namespace

Rig::Rig(const Options& options)
    : hubseald_(options.hubseald),
      token_module_(options.token_delay.count() == 0 ? token().module() : token_.module()) {
  token_.script(fmt::format("slow C_Sign * {}\n", options.token_delay.count()));
  write_config(options);
  start();
}

Rig::~Rig() {
  if (pid_ > 0) stop();
}

void Rig::write_config(const Options& options) const {
  const auto profiles = folder() / "profiles";
  std::filesystem::create_directory(profiles);
  for (const char* from : {HUBSEAL_SOURCE_DIR "/config/profiles", HUBSEAL_SOURCE_DIR "/tests/support/profiles"})
    for (const auto& file : std::filesystem::directory_iterator(from))
      write_private(
          profiles / file.path().filename(),
          std::regex_replace(text_of(file.path()), std::regex("renew_from_days = 547"), "renew_from_days = 0"));
  std::string consent = text_of(profiles / "dfsp-client.toml");
  consent = std::regex_replace(consent, std::regex("\"dfsp-client\""), "\"consent-client\"");
  consent = std::regex_replace(consent, std::regex("approvals = 0"), "approvals = 1");
  write_private(profiles / "consent-client.toml", consent);
  write_private(folder() / "policy.toml", text_of(HUBSEAL_SOURCE_DIR "/config/rig/policy.toml"));
  write_private(folder() / "pin", token().pin() + "\n");

  std::string config = fmt::format(kConfig, folder().string(), token_module_.string(), token().label(),
                                   options.session_copies, options.sessions, options.log_file_mib);
  const std::string keys = fmt::format("{}", fmt::join(options.jws_keys, R"(", ")"));
  const std::string reading = R"("status", "read_keys", "read_certificates")";
  for (
      const auto& [role, permissions] :
      {std::pair{
           "agent",
           reading + R"(, "issue_certificate", "create_csr", "read_subjects", "read_approvals", "carry_approvals")"},
       std::pair{"jws", std::string(R"("status", "read_keys", "sign_jws", "sign_fspiop")")},
       std::pair{
           "admin",
           reading +
               R"(, "create_key", "manage_keys", "create_ca", "issue_certificate", "create_csr", "sign_jws", "read_subjects", "manage_subjects", "read_policy", "manage_policy", "read_approvals", "approve", "carry_approvals", "manage_approvers", "read_audit", "revoke", "seal")"},
       std::pair{"audit", std::string(R"("status", "read_audit", "cosign")")}})
    config += fmt::format(kPeer, role, ::geteuid(), permissions, keys);
  write_private(folder() / "hubseald.toml", config);
}

void Rig::start() {
  const std::string notify = folder() / "notify";
  ::unlink(notify.c_str());
  const UniqueFd notifications = notification_socket(notify);
  ::setenv("NOTIFY_SOCKET", notify.c_str(), 1);
  const std::string log = folder() / "hubseald.log", config = folder() / "hubseald.toml";
  pid_ = ::fork();
  if (pid_ == 0) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execl(hubseald_.c_str(), "hubseald", "--config", config.c_str(), nullptr);
    ::_exit(127);
  }
  ::unsetenv("NOTIFY_SOCKET");
  if (pid_ < 0) throw std::runtime_error("fork");
  process_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  await_ready(notifications);
  admin_ = std::make_unique<wire::DaemonClient>(socket("admin"), std::chrono::minutes(2));
}

void Rig::await_ready(const UniqueFd& notifications) {
  while (true) {
    pollfd waiting[] = {{notifications.get(), POLLIN, 0}, {process_.get(), POLLIN, 0}};
    if (::poll(waiting, 2, kReadyTimeoutMs) <= 0) throw std::runtime_error("hubseald is not ready in time:\n" + log());
    if (waiting[1].revents != 0) throw std::runtime_error("hubseald ended before it was ready:\n" + log());
    char message[256];
    const ssize_t got = ::recv(notifications.get(), message, sizeof message, 0);
    if (got > 0 && std::string_view(message, static_cast<std::size_t>(got)).find("READY=1") != std::string_view::npos)
      return;
  }
}

Json Rig::admin(std::string_view op, const Json& fields) { return must(admin_->call(op, fields)); }

void Rig::make_ca(const std::string& name, std::string_view key_type) {
  admin("create_key", {{"label", name}, {"type", key_type}, {"use", "ca"}});
  admin("create_ca", {{"ca", name},
                      {"key", name},
                      {"profile", "test-root"},
                      {"subject", {{"common_name", name}, {"organization", "Test Hub"}, {"country", "KE"}}}});
}

std::chrono::nanoseconds Rig::cpu() const {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
    throw std::runtime_error("hubseald is gone:\n" + log());
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::size_t Rig::resident_bytes() const {
  std::ifstream file(fmt::format("/proc/{}/statm", pid_));
  std::size_t size = 0, resident = 0;
  if (!(file >> size >> resident)) throw std::runtime_error("hubseald is gone:\n" + log());
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<std::size_t> Rig::open_files() const {
  std::error_code refused;
  std::filesystem::directory_iterator files(fmt::format("/proc/{}/fd", pid_), refused);
  if (refused) return std::nullopt;
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

std::string Rig::log() const { return text_of(folder() / "hubseald.log"); }

int Rig::stop() {
  if (pid_ < 0) throw std::runtime_error("hubseald was stopped already");
  ::kill(pid_, SIGTERM);
  pollfd waiting{process_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, kReadyTimeoutMs) <= 0) ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace hubseal::test
