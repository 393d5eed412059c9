#include "tests/bench/others.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "tests/bench/crowd.h"
#include "tests/integration/soak/csr_maker.h"
#include "tests/support/temp_dir.h"

namespace hubseal::bench {
namespace {

using Clock = std::chrono::steady_clock;

pid_t start(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  ::posix_spawn_file_actions_init(&quiet);
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int problem = ::posix_spawnp(&pid, arguments[0], &quiet, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&quiet);
  if (problem != 0) throw std::runtime_error("cannot start " + command.front());
  return pid;
}

void run(const std::vector<std::string>& command) {
  int status = 0;
  const pid_t pid = start(command);
  if (::waitpid(pid, &status, 0) != pid || status != 0)
    throw std::runtime_error("failed: " + fmt::format("{}", fmt::join(command, " ")));
}

/// A port that was free a moment ago.
unsigned free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

struct CaFiles {
  std::string key, certificate;
};

CaFiles make_ca_files(const test::TempDir& folder, KeyType type) {
  CaFiles files{folder / "ca.key", folder / "ca.pem"};
  const std::string kind = type == KeyType::ec_p256 ? "ec" : "rsa";
  const std::string option = type == KeyType::ec_p256    ? "ec_paramgen_curve:P-256"
                             : type == KeyType::rsa_2048 ? "rsa_keygen_bits:2048"
                                                         : "rsa_keygen_bits:4096";
  run({"openssl", "genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", files.key});
  run({"openssl", "req", "-x509", "-key", files.key, "-subj", "/CN=bench", "-out", files.certificate});
  return files;
}

std::string cfssl_request(const std::string& csr) {
  const std::string body = dump_json({{"certificate_request", csr}, {"subject", {{"CN", "bank1"}}}});
  return fmt::format("POST /api/v1/cfssl/sign HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", body.size(),
                     body);
}

/// A running `cfssl serve`; ended when this goes.
class Cfssl {
 public:
  explicit Cfssl(const CaFiles& ca) {
    const std::string port = std::to_string(port_);
    pid_ = start({"cfssl", "serve", "-ca", ca.certificate, "-ca-key", ca.key, "-address", "127.0.0.1", "-port", port,
                  "-loglevel", "5"});
    for (const auto end = Clock::now() + std::chrono::seconds(20);;) {
      try {
        connect_loopback(port_);
        return;
      } catch (const std::runtime_error&) {
        if (Clock::now() > end) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  }
  ~Cfssl() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Cfssl(const Cfssl&) = delete;  // the process exists once
  Cfssl& operator=(const Cfssl&) = delete;

  pid_t pid() const { return pid_; }
  unsigned port() const { return port_; }

 private:
  const unsigned port_ = free_port();
  pid_t pid_ = -1;
};

}  // namespace

std::optional<Measurement> cfssl_serve(KeyType type, const std::vector<std::string>& csrs, unsigned connections,
                                       Seconds time) {
  if (::access("/usr/bin/cfssl", X_OK) != 0) return std::nullopt;
  const test::TempDir folder;
  const Cfssl cfssl(make_ca_files(folder, type));
  std::vector<std::string> requests;
  for (const std::string& csr : csrs) requests.push_back(cfssl_request(csr));
  const Service service{.connect = [&] { return connect_loopback(cfssl.port()); },
                        .reply_size = http_reply_size,
                        .good = R"("success":true)"};
  return with_cpu_of(cfssl.pid(), [&] { return run_crowd(service, connections, time, one_by_one(requests)); });
}

Measurement openssl_per_process(KeyType type, unsigned processes, Seconds time) {
  const test::TempDir folder;
  const CaFiles ca = make_ca_files(folder, type);
  const std::string csr = folder / "csr.pem";
  std::ofstream(csr) << test::make_csr();
  return run_threads(processes, time, [&](unsigned client) {
    const std::string out = folder / fmt::format("{}.pem", client);
    run({"openssl", "x509", "-req", "-in", csr, "-CA", ca.certificate, "-CAkey", ca.key, "-subj", "/CN=bank1", "-out",
         out});
  });
}

}  // namespace hubseal::bench
