#include "tests/unit/agent/agent_support.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "common/wire/line_channel.h"

namespace hubseal::agent::test {

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hubseal-agent-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TempFolder::~TempFolder() { std::filesystem::remove_all(path_); }

void openssl(const TempFolder& folder, const std::string& arguments) {
  const std::string command = "cd '" + folder / "" + "' && openssl " + arguments + " >/dev/null 2>openssl.err";
  if (std::system(command.c_str()) != 0)  // NOLINT(cert-env33-c): the arguments are the tests' own
    throw std::runtime_error("openssl " + arguments + ": " + slurp(folder / "openssl.err"));
}

std::string slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void spill(const std::string& path, const std::string& text, unsigned mode) {
  std::ofstream(path, std::ios::binary) << text;
  ::chmod(path.c_str(), mode);
}

std::string make_csr(const TempFolder& folder, const std::string& options) {
  openssl(folder, "req -new -nodes -keyout csr.key -out csr.pem " + options);
  return slurp(folder / "csr.pem");
}

std::string make_certificate(const TempFolder& folder, const std::string& csr, const std::string& options) {
  openssl(folder,
          "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=Hub CA/O=Hub' -keyout ca.key -out "
          "ca.pem");
  spill(folder / "in.csr", csr);
  openssl(folder, "x509 -req -in in.csr -CA ca.pem -CAkey ca.key -out out.pem " + options);
  return slurp(folder / "out.pem");
}

ScriptedDaemon::ScriptedDaemon(std::string socket_path, Script script)
    : socket_path_(std::move(socket_path)), script_(std::move(script)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path_.c_str(), sizeof address.sun_path - 1);
  listener_ = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 64) != 0)
    throw std::runtime_error("the scripted daemon cannot listen");
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedDaemon::~ScriptedDaemon() {
  stopping_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (const int fd : *connections_.lock()) ::shutdown(fd, SHUT_RDWR);
  for (std::thread& thread : *threads_.lock()) thread.join();
  for (const int fd : *connections_.lock()) ::close(fd);
}

std::vector<wire::Request> ScriptedDaemon::requests() { return *requests_.lock(); }

void ScriptedDaemon::accept_all() {
  while (!stopping_) {
    const int fd = ::accept(listener_.get(), nullptr, nullptr);
    if (fd < 0) continue;
    connections_.lock()->push_back(fd);
    threads_.lock()->emplace_back([this, fd] { serve(fd); });
  }
}

void ScriptedDaemon::serve(int fd) {
  using namespace std::chrono_literals;
  wire::LineChannel channel{UniqueFd(::dup(fd))};
  while (true) {
    auto line = channel.read_line(60s, 5s);
    if (!line || !*line) return;
    const auto request = wire::decode_request(**line);
    if (!request) return;
    requests_.lock()->push_back(*request);
    const auto reply = script_(*request);
    if (!channel.write_line(
            reply ? wire::encode_ok(request->id, *reply) : wire::encode_error(request->id, reply.error()), 5s))
      return;
  }
}

}  // namespace hubseal::agent::test
