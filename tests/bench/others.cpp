#include "tests/bench/others.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "tests/bench/crowd.h"
#include "tests/integration/soak/csr_maker.h"
#include "tests/support/run_command.h"

namespace hubseal::bench {
namespace {

void run(const std::vector<std::string>& command) {
  const auto result = test::run_command(command);
  if (result.exit_code != 0)
    throw std::runtime_error(fmt::format("failed: {}\n{}", fmt::join(command, " "), result.output));
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

std::vector<std::string> cfssl_command(const CaFiles& ca, unsigned port) {
  return {"cfssl",    "serve",     "-ca",   ca.certificate,       "-ca-key",   ca.key,
          "-address", "127.0.0.1", "-port", std::to_string(port), "-loglevel", "5"};
}

std::string cfssl_request(const std::string& csr) {
  const std::string body = dump_json({{"certificate_request", csr}, {"subject", {{"CN", "bank1"}}}});
  return fmt::format("POST /api/v1/cfssl/sign HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", body.size(),
                     body);
}

}  // namespace

CfsslServe::CfsslServe(KeyType ca)
    : ca_(make_ca_files(folder_, ca)),
      port_(free_port()),
      server_(cfssl_command(ca_, port_), [this] { return connect_loopback(port_); }) {}

Measurement CfsslServe::issue(const std::vector<std::string>& csrs, unsigned connections, Seconds time) const {
  std::vector<std::string> requests;
  for (const std::string& csr : csrs) requests.push_back(cfssl_request(csr));
  const Service service{.connect = [this] { return connect_loopback(port_); },
                        .reply_size = http_reply_size,
                        .good = R"("success":true)"};
  return with_cpu_of({server_.pid()}, [&] { return run_crowd(service, connections, time, one_by_one(requests)); });
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
