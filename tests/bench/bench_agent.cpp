/// hubseal-agent as it is shipped, in front of a real hubseald on a SoftHSM token, over keep-alive connections: what
/// each request costs, beside the least that HTTP (or the token) costs in the same minute, and beside what MCM 3.4.0
/// took.

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/bench/agent_growth.h"
#include "tests/bench/agent_load.h"
#include "tests/bench/crowd.h"
#include "tests/bench/fixed_server.h"
#include "tests/bench/raw_token.h"
#include "tests/bench/schedule.h"
#include "tests/integration/soak/rig.h"

using namespace hubseal;
using namespace hubseal::bench;

namespace {

struct Settings : Schedule {
  Settings() : Schedule{.seconds = 1, .rounds = 3, .only = {}} {}
  std::size_t growth = 10'000;
  unsigned token_ms = 0;  ///< above 0: what a signature takes in a token that is elsewhere

  /// The work of a token that is elsewhere is not this machine's: its key is one that costs next to nothing.
  KeyType ca_type() const { return token_ms == 0 ? KeyType::rsa_4096 : KeyType::ec_p256; }
};

constexpr std::array<unsigned, 3> kConnections = {1, 8, 32};
constexpr char kCa[] = "ca", kGrowthCa[] = "ca-p256";
constexpr unsigned kSessionsElsewhere = 4;  // an HSM that signs four at a time
constexpr std::size_t kWaiting = 100;       // CSRs of one participant that may wait
constexpr unsigned kParticipants = 12;

/// MCM 3.4.0 with a Vault in memory that costs almost nothing, on a machine of two cores (docs/PERFORMANCE.md):
/// requests a second at 1, 8 and 32 connections, and CPU of server and Vault for each.
struct Mcm {
  std::array<double, 3> per_second;
  double cpu_us;
};
constexpr double kMcmTimes = 10;

/// The rounds of one row: ours and the least possible, taken in turns.
struct Rounds {
  std::vector<double> rate, raw_rate, ratio, p50, p99, cpu, raw_cpu;

  void add(const Measurement& ours, const Measurement& raw) {
    rate.push_back(ours.per_second);
    raw_rate.push_back(raw.per_second);
    ratio.push_back(ours.per_second / raw.per_second);
    p50.push_back(median(ours.latencies_us));
    p99.push_back(quantile(ours.latencies_us, 0.99));
    cpu.push_back(ours.cpu_us);
    raw_cpu.push_back(raw.cpu_us);
  }
};

std::string verdict(bool met) { return met ? "met" : "NOT MET"; }

void print_header() {
  fmt::print("{:<22}{:>5}{:>9}{:>9}{:>7}{:>9}{:>9}{:>8}{:>8}  {}\n", "what", "conn", "ours/s", "least/s", "ratio",
             "p50 us", "p99 us", "CPU us", "least", "beside MCM 3.4.0: throughput, CPU");
}

std::string beside(const std::optional<Mcm>& mcm, std::size_t at, double rate, double cpu_us) {
  if (!mcm) return "";
  const double faster = rate / mcm->per_second[at], cheaper = mcm->cpu_us / cpu_us;
  return fmt::format("{:.0f}x (>= {:.0f} {}), {:.0f}x (>= {:.0f} {})", faster, kMcmTimes, verdict(faster >= kMcmTimes),
                     cheaper, kMcmTimes, verdict(cheaper >= kMcmTimes));
}

void print_row(const std::string& what, unsigned connections, const Rounds& rounds, const std::string& judged) {
  fmt::print("{:<22}{:>5}{:>9.0f}{:>9.0f}{:>7.2f}{:>9.0f}{:>9.0f}{:>8.0f}{:>8.0f}  {}\n", what, connections,
             median(rounds.rate), median(rounds.raw_rate), median(rounds.ratio), median(rounds.p50), median(rounds.p99),
             median(rounds.cpu), median(rounds.raw_cpu), judged);
  std::fflush(stdout);
}

class Bench {
 public:
  explicit Bench(const Settings& settings)
      : settings_(settings),
        rig_({.hubseald = HUBSEALD,
              .sessions = settings.token_ms == 0 ? 0 : kSessionsElsewhere,
              .jws_keys = {"of-nobody"},
              .token_delay = std::chrono::milliseconds(settings.token_ms)}) {
    rig_.make_ca(kCa, to_string(settings.ca_type()));
    rig_.make_ca(kGrowthCa, "ec_p256");
    agent_ = std::make_unique<AgentProcess>(options(kCa));
    client_ = std::make_unique<HttpClient>(agent_->port());
    csrs_ = make_rsa_4096_csrs(kWaiting);
    prepare();
  }

  void run() {
    fmt::print(
        "{} cores, {} rounds of {} s each, medians; least: a server that answers a fixed body of the same size; for "
        "sign: C_Sign alone\n\n",
        cores_allowed(), settings_.rounds, settings_.seconds);
    print_header();
    read("GET dfsps", "/api/dfsps", Mcm{{785, 1'281, 1'307}, 800});
    read("GET hub/ca", "/api/hub/ca", Mcm{{672, 844, 747}, 1'300});
    read("GET one jwscert", "/api/dfsps/p0/jwscerts", Mcm{{416, 611, 670}, 1'700});
    read("GET 12 jwscerts", "/api/dfsps/jwscerts", Mcm{{220, 262, 291}, 5'000});
    read("GET states-status", "/api/dfsps/states-status", {});
    read("GET one enrolment", fmt::format("{}/{}", inbound_path("p0"), first_), Mcm{{380, 619, 745}, 1'900});
    read("GET 12 enrolments", inbound_path("p0"), {});
    for (std::size_t at = 0; at < kConnections.size(); ++at) post_inbound(at);
    for (std::size_t at = 0; at < kConnections.size(); ++at) sign_them(at);
    for (std::size_t at = 0; at < kConnections.size(); ++at) both(at);
    add_participants();
    print_memory();
    if (settings_.growth == 0 || !settings_.wants("growth", 8)) return;
    print_growth_of_enrollments(options(kGrowthCa), settings_, settings_.growth);
    print_growth_of_participants(options(kGrowthCa), settings_, settings_.growth);
  }

 private:
  AgentProcess::Options options(const char* ca) const {
    return {.program = HUBSEAL_AGENT, .daemon_socket = rig_.socket("agent"), .ca = ca};
  }
  std::string new_participant() {
    std::string name = fmt::format("n{}", ++participants_);
    add_dfsp(*client_, name);
    return name;
  }

  /// Twelve participants with keys, the first with twelve enrolments of which one is signed.
  void prepare() {
    const Json key = {{"publicKey", make_public_key()}, {"createdAt", 1'790'000'000}};
    for (unsigned i = 0; i < kParticipants; ++i) {
      const std::string name = fmt::format("p{}", i);
      add_dfsp(*client_, name);
      client_->ask("POST", fmt::format("/api/dfsps/{}/jwscerts", name), key);
      client_->ask("POST", fmt::format("/api/dfsps/{}/states", name),
                   {{"PEER_JWS", {{"status", "completed"}, {"lastUpdated", "2026-11-30T08:00:00.000Z"}}}});
    }
    first_ = enrol(*client_, "p0", csrs_.front());
    sign(*client_, "p0", first_);
    for (unsigned i = 1; i < kParticipants; ++i) enrol(*client_, "p0", csrs_[i]);
  }

  Measurement least(const std::string& request, std::size_t body_bytes, unsigned connections) const {
    const FixedServer server(body_bytes);
    return drive(server.pid(), server.port(), connections, settings_.time(), again_and_again(request));
  }

  void read(const std::string& what, const std::string& path, const std::optional<Mcm>& mcm) {
    const std::string request = http_request("GET", path);
    const std::size_t body_bytes = client_->ask_text(request).size();
    for (std::size_t at = 0; at < kConnections.size(); ++at) {
      const unsigned connections = kConnections[at];
      if (!settings_.wants(what, connections)) continue;
      Rounds rounds;
      for (unsigned i = 0; i < settings_.rounds; ++i)
        rounds.add(drive(agent_->pid(), agent_->port(), connections, settings_.time(), again_and_again(request)),
                   least(request, body_bytes, connections));
      print_row(what, connections, rounds, beside(mcm, at, median(rounds.rate), median(rounds.cpu)));
    }
  }

  /// CSRs for RSA-4096, each new to the participant that brings it; more than can be taken in the time.
  std::vector<std::string> new_csrs() {
    constexpr double kMostPerSecond = 2'500;
    std::vector<std::string> requests;
    for (const auto count = static_cast<std::size_t>(kMostPerSecond * settings_.seconds); requests.size() < count;) {
      const std::string path = inbound_path(new_participant());
      for (const std::string& csr : csrs_)
        requests.push_back(http_request("POST", path, dump_json({{"clientCSR", csr}})));
    }
    return requests;
  }

  void post_inbound(std::size_t at) {
    const unsigned connections = kConnections[at];
    if (!settings_.wants("POST inbound", connections)) return;
    Rounds rounds;
    for (unsigned i = 0; i < settings_.rounds; ++i) {
      std::vector<std::string> requests = new_csrs();
      const std::size_t body_bytes = client_->ask_text(requests.back()).size();
      requests.pop_back();
      const auto ours = drive(agent_->pid(), agent_->port(), connections, settings_.time(), one_by_one(requests));
      rounds.add(ours, least(requests.front(), body_bytes, connections));
    }
    print_row("POST inbound", connections, rounds,
              beside(Mcm{{64, 95, 87}, 13'000}, at, median(rounds.rate), median(rounds.cpu)));
  }

  Measurement raw_signatures(unsigned connections) const {
    RawToken token(rig_.token_module(), rig_.token().label(), rig_.token().pin());
    const unsigned at_once = settings_.token_ms == 0 ? cores_allowed() : kSessionsElsewhere;
    return token.sign(kCa, settings_.ca_type(), connections == 1 ? 1 : at_once, settings_.time());
  }

  /// At the rate of the token: a tenth is what everything else may take.
  void print_signing(const std::string& what, std::size_t at, const Rounds& rounds, const Mcm& mcm) {
    constexpr double kOfTheToken = 0.9;
    const double ratio = median(rounds.ratio);
    print_row(what, kConnections[at], rounds,
              fmt::format("{:.1f}x, {:.0f}x; of the token's rate {:.2f} (>= {:.2f} {})",
                          median(rounds.rate) / mcm.per_second[at], mcm.cpu_us / median(rounds.cpu), ratio, kOfTheToken,
                          verdict(ratio >= kOfTheToken)));
  }

  void sign_them(std::size_t at) {
    const unsigned connections = kConnections[at];
    if (!settings_.wants("sign", connections)) return;
    Rounds rounds;
    for (unsigned i = 0; i < settings_.rounds; ++i) {
      const Measurement raw = raw_signatures(connections);
      // More than the token can sign in the time.
      const auto count = static_cast<std::size_t>(1.3 * raw.per_second * settings_.seconds) + 32;
      const auto requests = requests_to_sign(*client_, fmt::format("s{}-", ++participants_), count);
      rounds.add(drive(agent_->pid(), agent_->port(), connections, settings_.time(), one_by_one(requests)), raw);
    }
    print_signing("sign", at, rounds, {{46, 89, 89}, 16'500});
  }

  void both(std::size_t at) {
    const unsigned connections = kConnections[at];
    if (!settings_.wants("create and sign", connections)) return;
    Rounds rounds;
    for (unsigned i = 0; i < settings_.rounds; ++i) {
      const std::string name = new_participant();
      rounds.add(create_and_sign(*agent_, name, connections, settings_.time()), raw_signatures(connections));
    }
    print_signing("create and sign", at, rounds, {{31, 50, 41}, 29'000});
  }

  void add_participants() {
    constexpr double kMcmPerSecond = 0.5, kTimes = 100, kMostPerSecond = 2'000;
    if (!settings_.wants("POST dfsps", 1)) return;
    std::vector<std::string> requests;
    while (requests.size() < static_cast<std::size_t>(kMostPerSecond * settings_.seconds) + 1)
      requests.push_back(http_request("POST", "/api/dfsps",
                                      dump_json({{"dfspId", fmt::format("a{}", requests.size())}, {"name", "Bank"}})));
    Rounds rounds;
    const auto ours = drive(agent_->pid(), agent_->port(), 1, settings_.time(), one_by_one(requests));
    rounds.add(ours, least(requests.front(), 16, 1));
    const double faster = median(rounds.rate) / kMcmPerSecond;
    print_row("POST dfsps", 1, rounds,
              fmt::format("{:.0f}x (>= {:.0f} {})", faster, kTimes, verdict(faster >= kTimes)));
  }

  void print_memory() const {
    constexpr double kMostMib = 128;
    const double mib = static_cast<double>(agent_->resident_bytes()) / 1048576;
    fmt::print("\nhubseal-agent: {:.1f} MiB resident (<= {:.0f} {}); hubseald: {:.1f} MiB\n", mib, kMostMib,
               verdict(mib <= kMostMib), static_cast<double>(rig_.resident_bytes()) / 1048576);
  }

  const Settings settings_;
  test::Rig rig_;
  std::unique_ptr<AgentProcess> agent_;
  std::unique_ptr<HttpClient> client_;
  std::vector<std::string> csrs_;
  std::int64_t first_ = 0;
  unsigned participants_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Requests per second of a real hubseal-agent in front of a real hubseald, and what each costs"};
  Settings settings;
  app.add_option("--growth", settings.growth, "enrolments of one participant, then participants, at the end; 0: none")
      ->capture_default_str();
  app.add_option("--token-ms", settings.token_ms,
                 "a signature takes so long and no CPU, as in an HSM elsewhere that makes four at a time");
  return run_benchmark(app, settings, "GET dfsps 32", argc, argv, [&] { Bench(settings).run(); });
}
