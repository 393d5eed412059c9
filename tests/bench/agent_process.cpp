#include "tests/bench/agent_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/bench/crowd.h"

namespace hubseal::bench {
namespace {

constexpr std::chrono::seconds kPatience{60};

constexpr std::string_view kConfig = R"([listen]
address = "127.0.0.1"
port = 0
max_connections = 128
request_timeout_seconds = 60
keep_alive_timeout_seconds = 60
drain_timeout_seconds = 5
[auth]
mode = "none"
[daemon]
socket = "{1}"
timeout_seconds = 60
[hub]
ca = "{2}"
client_profile = "dfsp-client"
csr_rsa_bits = 2048
[store]
{3}
)";

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

AgentProcess::AgentProcess(const Options& options) {
  const std::filesystem::path config = folder_ / "agent.toml", log = folder_ / "agent.log";
  const std::string store = options.postgresql.empty() ? fmt::format(R"(path = "{}/agent.db")", folder_.path().string())
                                                       : fmt::format(R"(postgresql = "{}")", options.postgresql);
  std::ofstream(config) << fmt::format(kConfig, folder_.path().string(), options.daemon_socket, options.ca, store);
  std::filesystem::permissions(config, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // also when the benchmark is killed
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execl(options.program.c_str(), "hubseal-agent", "--config", config.c_str(), nullptr);
    ::_exit(127);
  }
  if (pid_ < 0) throw std::runtime_error("fork");
  port_ = await_port();
}

AgentProcess::~AgentProcess() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

unsigned AgentProcess::await_port() const {
  const std::regex listening(R"(is listening url=http://127\.0\.0\.1:(\d+)\n)");
  for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;) {
    const std::string log = text_of(folder_ / "agent.log");
    std::smatch found;
    if (std::regex_search(log, found, listening)) return static_cast<unsigned>(std::stoul(found[1]));
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ::kill(pid_, SIGKILL);
  throw std::runtime_error("hubseal-agent does not listen:\n" + text_of(folder_ / "agent.log"));
}

std::size_t AgentProcess::resident_bytes() const {
  std::ifstream file(fmt::format("/proc/{}/statm", pid_));
  std::size_t size = 0, resident = 0;
  if (!(file >> size >> resident)) throw std::runtime_error("hubseal-agent is gone");
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string http_request(std::string_view method, std::string_view path, std::string_view body) {
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n", method, path);
  if (!body.empty()) request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  return request.append("\r\n").append(body);
}

HttpClient::HttpClient(unsigned port) : fd_(connect_loopback(port)) {}

Json HttpClient::ask(std::string_view method, std::string_view path) {
  return Json::parse(ask_text(http_request(method, path)));
}

Json HttpClient::ask(std::string_view method, std::string_view path, const Json& body) {
  return Json::parse(ask_text(http_request(method, path, dump_json(body))));
}

std::string HttpClient::ask_text(const std::string& request) {
  if (::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    throw std::runtime_error("the agent hung up");
  std::string received;
  while (http_reply_size(received) == 0) {
    char chunk[16 * 1024];
    const ssize_t got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
    if (got <= 0) throw std::runtime_error("the agent hung up");
    received.append(chunk, static_cast<std::size_t>(got));
  }
  if (!received.starts_with("HTTP/1.1 200 ")) throw std::runtime_error("refused: " + received);
  return received.substr(received.find("\r\n\r\n") + 4);
}

}  // namespace hubseal::bench
