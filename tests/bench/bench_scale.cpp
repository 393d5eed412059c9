/// Several hubsealds on one HSM that is elsewhere, each with a partition of its own, and several hubseal-agents on one
/// PostgreSQL: what each further one adds. The HSM is simulated: each signature occupies one of its engines for a while
/// and costs nothing here. All programs share the cores of this machine, which is what ends the growth in the end.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/bench/agent_load.h"
#include "tests/bench/crowd.h"
#include "tests/bench/load.h"
#include "tests/bench/load_table.h"
#include "tests/bench/schedule.h"
#include "tests/integration/soak/csr_maker.h"
#include "tests/integration/soak/rig.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::bench;

namespace {

struct Settings : Schedule {
  Settings() : Schedule{.seconds = 1, .rounds = 3, .only = {}} {}
  unsigned token_ms = 20;
  unsigned engines = 32;
  std::string postgresql;
};

constexpr char kKey[] = "jws", kCa[] = "ca";
constexpr unsigned kFew = 4, kMany = 16;  // sessions of a hubseald
constexpr unsigned kEachAgent = 8;        // connections
constexpr double kSignedPerSecond = 300;  // by an agent, at most

/// All at once, each in a thread of its own; added up, with the CPU for each answer.
Measurement together(std::size_t count, const std::function<Measurement(std::size_t)>& load) {
  std::vector<Measurement> parts(count);
  std::vector<std::string> problems(count);
  {
    std::vector<std::jthread> threads;
    for (std::size_t n = 0; n < count; ++n)
      threads.emplace_back([&, n] {
        try {
          parts[n] = load(n);
        } catch (const std::exception& problem) {
          problems[n] = problem.what();
        }
      });
  }
  for (const std::string& problem : problems)
    if (!problem.empty()) throw std::runtime_error(problem);
  Measurement all;
  double cpu_us = 0;
  for (const Measurement& part : parts) {
    all.per_second += part.per_second;
    cpu_us += part.cpu_us * static_cast<double>(part.latencies_us.size());
    all.latencies_us.insert(all.latencies_us.end(), part.latencies_us.begin(), part.latencies_us.end());
  }
  all.cpu_us = cpu_us / static_cast<double>(all.latencies_us.size());
  return all;
}

class Scale {
 public:
  explicit Scale(const Settings& settings) : settings_(settings) {
    for (unsigned n = 0; n < settings.engines; ++n) std::ofstream(engines_ / std::to_string(n));
    ::setenv("FAKE_P11_ENGINES", engines_.path().c_str(), 1);
  }

  void run() {
    fmt::print("{} cores; the HSM has {} engines, each makes a signature in {} ms: {} a second\n\n", cores_allowed(),
               settings_.engines, settings_.token_ms, 1000 * settings_.engines / settings_.token_ms);
    print_load_header("what");
    for (const unsigned sessions : {kFew, kMany})
      for (const unsigned count : {1u, 2u, 4u}) daemons(count, sessions);
    if (settings_.postgresql.empty()) return;
    for (const unsigned count : {1u, 2u, 4u}) agents(count);
  }

 private:
  std::unique_ptr<test::Rig> rig(unsigned sessions) const {
    auto rig =
        std::make_unique<test::Rig>(test::Rig::Options{.hubseald = HUBSEALD,
                                                       .sessions = sessions,
                                                       .jws_keys = {kKey},
                                                       .token_delay = std::chrono::milliseconds(settings_.token_ms)});
    rig->admin("create_key", {{"label", kKey}, {"type", "ec_p256"}, {"use", "jws"}});
    return rig;
  }

  void print(const std::string& what, const std::function<Measurement()>& load) const {
    print_load(what, settings_.rounds, load);
  }

  void daemons(unsigned count, unsigned sessions) const {
    const std::string what = fmt::format("{} hubseald, {} sessions each", count, sessions);
    if (!settings_.wants(what, 2 * sessions)) return;
    std::vector<std::unique_ptr<test::Rig>> rigs;
    while (rigs.size() < count) rigs.push_back(rig(sessions));
    const std::string line = sign_jws_line(kKey, 256);
    print(what, [&] {
      return together(
          count, [&](std::size_t n) { return repeat_line(*rigs[n], "jws", line, 2 * sessions, settings_.time()); });
    });
    while (!rigs.empty()) rigs.pop_back();  // the last one first: they share an environment
  }

  void agents(unsigned count) {
    const std::string what = fmt::format("{} hubseal-agent, ", count);
    if (!settings_.wants(what, kEachAgent)) return;
    const auto daemon = rig(kMany);
    daemon->make_ca(kCa, "ec_p256");
    std::vector<std::unique_ptr<AgentProcess>> agents;
    while (agents.size() < count)
      agents.push_back(std::make_unique<AgentProcess>(AgentProcess::Options{.program = HUBSEAL_AGENT,
                                                                            .daemon_socket = daemon->socket("agent"),
                                                                            .ca = kCa,
                                                                            .postgresql = settings_.postgresql}));
    const auto each = [&](const auto& next) {
      return together(count, [&](std::size_t n) {
        return drive(agents[n]->pid(), agents[n]->port(), kEachAgent, settings_.time(), next(n));
      });
    };
    HttpClient client(agents.front()->port());
    const std::string dfsp = fmt::format("read{}", count);
    add_dfsp(client, dfsp);
    const std::string one =
        http_request("GET", fmt::format("{}/{}", inbound_path(dfsp), enrol(client, dfsp, test::make_csr())));
    print(what + "GET one enrolment", [&] { return each([&](std::size_t) { return again_and_again(one); }); });
    print(what + "sign", [&] {
      std::vector<std::vector<std::string>> requests;
      for (unsigned n = 0; n < count; ++n)
        requests.push_back(
            requests_to_sign(client, fmt::format("s{}-", ++participants_),
                             static_cast<std::size_t>(kSignedPerSecond * settings_.seconds) + kEachAgent));
      return each([&](std::size_t n) { return one_by_one(requests[n]); });
    });
  }

  const Settings settings_;
  const test::TempDir engines_;
  unsigned participants_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"What several hubsealds on one HSM, and several agents on one PostgreSQL, sign and answer"};
  Settings settings;
  app.add_option("--token-ms", settings.token_ms, "what a signature takes")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--engines", settings.engines, "signatures that the HSM makes at a time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--postgresql", settings.postgresql,
                 "connection string of an empty database (scale.py); without: no agents");
  return run_benchmark(app, settings, "2 hubseald", argc, argv, [&] { Scale(settings).run(); });
}
