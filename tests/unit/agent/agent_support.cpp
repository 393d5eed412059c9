#include "tests/unit/agent/agent_support.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "common/wire/line_channel.h"
#include "tests/support/run_command.h"
#include "tests/support/unix_socket.h"

namespace hubseal::agent::test {

Words words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

void openssl(const TempFolder& folder, const Words& arguments) {
  Words command = {"openssl"};
  for (const std::string& word : arguments)
    command.push_back(word.starts_with("@/") ? (folder / word.substr(2)).string() : word);
  const auto result = hubseal::test::run_command(command);
  if (result.exit_code != 0) throw std::runtime_error("openssl " + arguments.front() + ": " + result.output);
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

std::string make_csr(const TempFolder& folder, const Words& options) {
  Words command = words("req -new -nodes -keyout @/csr.key -out @/csr.pem");
  command.insert(command.end(), options.begin(), options.end());
  openssl(folder, command);
  return slurp(folder / "csr.pem");
}

std::string make_certificate(const TempFolder& folder, const std::string& csr, const Words& options) {
  Words ca = words("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout @/ca.key -out @/ca.pem");
  ca.insert(ca.end(), {"-subj", "/CN=Hub CA/O=Hub"});
  openssl(folder, ca);
  spill(folder / "in.csr", csr);
  Words command = words("x509 -req -in @/in.csr -CA @/ca.pem -CAkey @/ca.key -out @/out.pem");
  command.insert(command.end(), options.begin(), options.end());
  openssl(folder, command);
  return slurp(folder / "out.pem");
}

ScriptedDaemon::ScriptedDaemon(std::string socket_path, Script script)
    : socket_path_(std::move(socket_path)), script_(std::move(script)) {
  listener_ = hubseal::test::listen_at(socket_path_, 64);
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
