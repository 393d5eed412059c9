#include "tests/bench/load.h"

#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "tests/integration/soak/caller.h"
#include "tests/integration/soak/csr_maker.h"
#include "tests/support/must.h"

namespace hubseal::bench {
namespace {

using Clock = std::chrono::steady_clock;
/// Does one operation as client `client`; false when there is nothing left to do.
using Step = std::function<bool(unsigned client)>;

/// `clients` threads that step until the time is over.
Measurement run_clients(unsigned clients, Seconds time, const Step& step) {
  std::mutex mutex;
  std::vector<double> latencies;
  std::string problem;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(time);
  const auto loop = [&](unsigned client) {
    std::vector<double> mine;
    try {
      for (auto now = Clock::now(); now < end;) {
        if (!step(client)) break;
        const auto after = Clock::now();
        mine.push_back(std::chrono::duration<double, std::micro>(after - now).count());
        now = after;
      }
    } catch (const std::exception& fault) {
      const std::lock_guard lock(mutex);
      problem = fault.what();
    }
    const std::lock_guard lock(mutex);
    latencies.insert(latencies.end(), mine.begin(), mine.end());
  };
  {
    std::vector<std::jthread> running;
    for (unsigned i = 0; i < clients; ++i) running.emplace_back(loop, i);
  }
  if (!problem.empty()) throw std::runtime_error(problem);
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  return {static_cast<double>(latencies.size()) / elapsed, 0, std::move(latencies)};
}

std::vector<test::Caller> connect(const test::Rig& rig, const std::string& socket, unsigned connections) {
  std::vector<test::Caller> callers;
  for (unsigned i = 0; i < connections; ++i) callers.emplace_back(rig.socket(socket));
  return callers;
}

void ask(test::Caller& caller, const std::string& line) {
  const auto reply = caller.call(line);
  if (!test::is_ok(reply)) throw std::runtime_error("refused: " + std::string(reply));
}

Measurement with_cpu_of(const test::Rig& rig, const std::function<Measurement()>& load) {
  const auto before = rig.cpu();
  Measurement measurement = load();
  measurement.cpu_us = std::chrono::duration<double, std::micro>(rig.cpu() - before).count() /
                       static_cast<double>(measurement.latencies_us.size());
  return measurement;
}

double process_cpu_us() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

void run(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  ::posix_spawn_file_actions_init(&quiet);
  ::posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
  pid_t pid = 0;
  const int problem = ::posix_spawnp(&pid, arguments[0], &quiet, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&quiet);
  int status = 0;
  if (problem != 0 || ::waitpid(pid, &status, 0) != pid || status != 0)
    throw std::runtime_error("failed: " + fmt::format("{}", fmt::join(command, " ")));
}

}  // namespace

Measurement repeat_line(const test::Rig& rig, const std::string& socket, const std::string& line, unsigned connections,
                        Seconds time) {
  auto callers = connect(rig, socket, connections);
  return with_cpu_of(rig, [&] {
    return run_clients(connections, time, [&](unsigned client) {
      ask(callers[client], line);
      return true;
    });
  });
}

Measurement send_once(const test::Rig& rig, const std::string& socket, const std::vector<std::string>& lines,
                      unsigned connections, Seconds time) {
  auto callers = connect(rig, socket, connections);
  std::atomic<std::size_t> next{0};
  return with_cpu_of(rig, [&] {
    return run_clients(connections, time, [&](unsigned client) {
      const std::size_t mine = next++;
      if (mine < lines.size()) ask(callers[client], lines[mine]);
      return mine < lines.size();
    });
  });
}

std::string sign_jws_line(const std::string& key, std::size_t payload_bytes) {
  const std::string payload = to_base64url(Bytes(payload_bytes, 0x5a));
  return dump_json({{"v", 1}, {"id", "bench"}, {"op", "sign_jws"}, {"key", key}, {"payload", payload}}) + "\n";
}

std::string issue_line(const std::string& ca, const std::string& request, const std::string& csr) {
  return dump_json({{"v", 1},
                    {"id", "bench"},
                    {"op", "issue_certificate"},
                    {"ca", ca},
                    {"profile", "dfsp-client"},
                    {"subject", "bank1"},
                    {"request", request},
                    {"csr", csr}}) +
         "\n";
}

Measurement sign_through(hsm::Signer& signer, const KeyId& key, unsigned threads, Seconds time) {
  const Bytes message(256, 0x5a);
  const double before = process_cpu_us();
  Measurement measurement = run_clients(threads, time, [&](unsigned) {
    test::must(signer.sign(key, SignatureAlgorithm::rsa_pkcs1_sha256, message));
    return true;
  });
  measurement.cpu_us = (process_cpu_us() - before) / static_cast<double>(measurement.latencies_us.size());
  return measurement;
}

Measurement openssl_per_process(KeyType type, unsigned processes, Seconds time) {
  const test::TempDir folder;
  const std::string key = folder / "ca.key", certificate = folder / "ca.pem", csr = folder / "csr.pem";
  const std::string kind = type == KeyType::ec_p256 ? "ec" : "rsa";
  const std::string option = type == KeyType::ec_p256    ? "ec_paramgen_curve:P-256"
                             : type == KeyType::rsa_2048 ? "rsa_keygen_bits:2048"
                                                         : "rsa_keygen_bits:4096";
  run({"openssl", "genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", key});
  run({"openssl", "req", "-x509", "-key", key, "-subj", "/CN=bench", "-out", certificate});
  std::ofstream(csr) << test::make_csr();
  return run_clients(processes, time, [&](unsigned client) {
    const std::string out = folder / fmt::format("{}.pem", client);
    run({"openssl", "x509", "-req", "-in", csr, "-CA", certificate, "-CAkey", key, "-subj", "/CN=bank1", "-out", out});
    return true;
  });
}

}  // namespace hubseal::bench
