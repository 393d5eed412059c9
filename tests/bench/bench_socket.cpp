/// hubseald as it is shipped, over its real sockets, beside raw C_Sign on the same token in the same
/// minute: rounds alternate, medians are printed, and each target of docs/PERFORMANCE.md is judged.

#include <algorithm>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "common/openssl.h"
#include "hsm/token_signer.h"
#include "tests/bench/load.h"
#include "tests/bench/others.h"
#include "tests/bench/raw_token.h"
#include "tests/bench/schedule.h"
#include "tests/integration/soak/rig.h"
#include "tests/support/must.h"

using namespace hubseal;
using namespace hubseal::bench;

namespace {

struct Settings : Schedule {
  Settings() : Schedule{.seconds = 2, .rounds = 5, .only = {}} {}
  std::size_t payload = 256;
  bool no_copies = false;
  unsigned sessions = 0;
  bool one_core = false;
};

struct KeyKind {
  const char* label;
  KeyType type;
};
constexpr KeyKind kJwsKeys[] = {{"jws-rsa-2048", KeyType::rsa_2048}, {"jws-p256", KeyType::ec_p256}};
constexpr KeyKind kCas[] = {
    {"ca-rsa-2048", KeyType::rsa_2048}, {"ca-rsa-4096", KeyType::rsa_4096}, {"ca-p256", KeyType::ec_p256}};

/// The rounds of one row: ours and raw, taken in turns.
struct Rounds {
  std::vector<double> ours_rate, raw_rate, rate_ratio, ours_cpu, raw_cpu, cpu_ratio, added_cpu, p50_ratio, p99_ratio,
      added_p50;

  void add(const Measurement& ours, const Measurement& raw) {
    ours_rate.push_back(ours.per_second);
    raw_rate.push_back(raw.per_second);
    rate_ratio.push_back(ours.per_second / raw.per_second);
    ours_cpu.push_back(ours.cpu_us);
    raw_cpu.push_back(raw.cpu_us);
    cpu_ratio.push_back(ours.cpu_us / raw.cpu_us);
    added_cpu.push_back(ours.cpu_us - raw.cpu_us);
    const double p50 = median(ours.latencies_us), raw_p50 = median(raw.latencies_us);
    p50_ratio.push_back(p50 / raw_p50);
    added_p50.push_back(p50 - raw_p50);
    p99_ratio.push_back(quantile(ours.latencies_us, 0.99) / p50);
  }
};

std::string at_most(double found, double wanted) {
  return fmt::format("<= {:.2f} {}", wanted, found <= wanted ? "met" : "NOT MET");
}
std::string at_most_us(double found, double wanted) {
  return fmt::format("<= {:.0f} {}", wanted, found <= wanted ? "met" : "NOT MET");
}
std::string at_least(double found, double wanted) {
  return fmt::format(">= {:.2f} {}", wanted, found >= wanted ? "met" : "NOT MET");
}

void print_header() {
  fmt::print("{:<22}{:>5}{:>10}{:>10}{:>7}  {:<17}{:>9}{:>9}{:>7}  {:<17}{:>8}  {}\n", "what", "conn", "ours/s",
             "raw/s", "ratio", "target", "CPU us", "raw us", "ratio", "target", "adds us", "target");
}

struct Targets {
  std::optional<double> rate, cpu, added_us;
};

void print_row(const std::string& what, unsigned connections, const Rounds& rounds, const Targets& targets) {
  const double rate = median(rounds.rate_ratio), cpu = median(rounds.cpu_ratio), added = median(rounds.added_cpu);
  fmt::print("{:<22}{:>5}{:>10.0f}{:>10.0f}{:>7.2f}  {:<17}{:>9.0f}{:>9.0f}{:>7.2f}  {:<17}{:>8.0f}  {}\n", what,
             connections, median(rounds.ours_rate), median(rounds.raw_rate), rate,
             targets.rate ? at_least(rate, *targets.rate) : "", median(rounds.ours_cpu), median(rounds.raw_cpu), cpu,
             targets.cpu ? at_most(cpu, *targets.cpu) : "", added,
             targets.added_us ? at_most_us(added, *targets.added_us) : "");
  std::fflush(stdout);
}

/// With --one-core who signs, hubseald or raw, has a core to itself, and who asks has another: the load is then
/// missing from nobody's throughput.
constexpr unsigned kSigning = 0, kAsking = 1;

/// Ratios as they were set on a slower processor, and what may be added to a raw signature on any
/// (docs/decisions/011-what-is-added-counts.md).
constexpr double kAddedToSignature = 100, kAddedToCertificate = 600, kAddedToLatency = 400;

Targets jws_targets(KeyType type, unsigned connections) {
  if (type == KeyType::rsa_2048 && connections > 1) return {0.90, 1.15, kAddedToSignature};
  if (type == KeyType::ec_p256 && connections == 32) return {0.45, 2.3, kAddedToSignature};
  return {};
}

class Bench {
 public:
  explicit Bench(const Settings& settings)
      : settings_(on_core(settings)),
        rig_({.hubseald = HUBSEALD,
              .session_copies = !settings.no_copies,
              .sessions = settings.sessions,
              .jws_keys = {"jws-rsa-2048", "jws-p256"}}) {
    for (const auto& [label, type] : kJwsKeys)
      rig_.admin("create_key", {{"label", label}, {"type", to_string(type)}, {"use", "jws"}});
    for (const auto& [label, type] : kCas) rig_.make_ca(label, to_string(type));
  }

  void run() {
    fmt::print(
        "{} cores, {} rounds of {} s each, medians; raw: C_Sign with {} threads and own sessions (1 thread for 1 "
        "connection)\n\n",
        cores_allowed(), settings_.rounds, settings_.seconds, cores_allowed());
    print_header();
    for (const auto& key : kJwsKeys)
      for (const unsigned connections : {1u, 8u, 32u}) sign_jws(key, connections);
    for (const auto& ca : kCas) in_process(ca);
    for (const auto& ca : kCas) issue(ca, 8);
    fmt::print("\nhubseald: {:.1f} MiB resident\n", static_cast<double>(rig_.resident_bytes()) / 1048576);
    if (const int status = rig_.stop(); status != 0)
      throw std::runtime_error(fmt::format("hubseald ended with {}", status));
  }

 private:
  /// Before hubseald is started: it stays where it begins.
  static const Settings& on_core(const Settings& settings) {
    if (settings.one_core) run_on_core(kSigning);
    return settings;
  }
  template <class Load>
  auto asking(const Load& load) const {
    if (settings_.one_core) run_on_core(kAsking);
    const auto result = load();
    if (settings_.one_core) run_on_core(kSigning);
    return result;
  }

  Measurement raw(const KeyKind& key, unsigned threads) {
    RawToken token(rig_.token().module(), rig_.token().label(), rig_.token().pin());
    return token.sign(key.label, key.type, threads, settings_.time());
  }

  void sign_jws(const KeyKind& key, unsigned connections) {
    const std::string what = fmt::format("sign_jws {}", to_string(key.type));
    if (!settings_.wants(what, connections)) return;
    const std::string line = sign_jws_line(key.label, settings_.payload);
    Rounds rounds;
    for (unsigned i = 0; i < settings_.rounds; ++i) {
      const auto ours = asking([&] { return repeat_line(rig_, "jws", line, connections, settings_.time()); });
      rounds.add(ours, raw(key, connections == 1 ? 1 : cores_allowed()));
    }
    const Targets targets = jws_targets(key.type, connections);
    print_row(what, connections, rounds, targets);
    if (targets.cpu) print_what_is_left(key.type, median(rounds.raw_cpu), *targets.cpu);
    if (connections != 1) return;
    const bool judged = key.type == KeyType::rsa_2048;
    const double p50 = median(rounds.p50_ratio), p99 = median(rounds.p99_ratio);
    const double added = median(rounds.added_p50);
    fmt::print("{:<22}{:>5}  p50 is {:.2f} of raw's {}, adds {:.0f} us {}; p99 is {:.2f} of its own p50 {}\n",
               "  latency", 1, p50, judged ? at_most(p50, 1.35) : "", added, at_most_us(added, kAddedToLatency), p99,
               judged ? at_most(p99, 2.5) : "");
  }

  /// Of the bar, once the signature is made and verified: for the request, the answer and the durable record.
  void print_what_is_left(KeyType type, double raw_us, double bar) {
    const double verify_us = verify_alone(type, cores_allowed(), settings_.time()).cpu_us;
    fmt::print("  raw and a verification ({:.0f} us) are {:.2f} of raw: {:.2f} leaves {:.0f} us for everything else\n",
               verify_us, (raw_us + verify_us) / raw_us, bar, bar * raw_us - raw_us - verify_us);
  }

  /// What the token layer alone costs; and JWS keys have at most 3,072 bits, so RSA-4096 is judged here.
  void in_process(const KeyKind& key) {
    const std::string what = fmt::format("Signer {}", to_string(key.type));
    if (!settings_.wants(what, cores_allowed())) return;
    Rounds rounds;
    for (unsigned i = 0; i < settings_.rounds; ++i) rounds.add(sign_in_process(key), raw(key, cores_allowed()));
    print_row(what, cores_allowed(), rounds, key.type == KeyType::rsa_4096 ? Targets{0.95, 1.08, {}} : Targets{});
  }

  Measurement sign_in_process(const KeyKind& key) {
    auto config = rig_.token().config();
    config.session_copies = !settings_.no_copies;
    const auto signer = test::must(hsm::open_token(config));
    const auto keys = test::must(signer->list_keys());
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const auto& info) { return info.label == key.label; });
    return sign_through(*signer, *found, cores_allowed(), settings_.time());
  }

  void issue(const KeyKind& ca, unsigned connections) {
    const std::string what = fmt::format("issue {}", to_string(ca.type));
    if (!settings_.wants(what, connections)) return;
    std::optional<CfsslServe> cfssl;
    if (CfsslServe::installed()) cfssl.emplace(ca.type);
    Rounds rounds, against_cfssl;
    for (unsigned i = 0; i < settings_.rounds; ++i) {
      const Measurement raw_rate = raw(ca, cores_allowed());
      const auto csrs = make_csrs(raw_rate.per_second, settings_.time());
      const auto lines = issue_lines(ca.label, csrs, requests_);
      const auto ours = asking([&] { return send_once(rig_, "agent", lines, connections, settings_.time()); });
      rounds.add(ours, raw_rate);
      if (cfssl) against_cfssl.add(ours, cfssl->issue(csrs, connections, settings_.time()));
    }
    print_row(what, connections, rounds, {std::nullopt, std::nullopt, kAddedToCertificate});
    print_cfssl(ca.type, connections, against_cfssl);
    const auto script = openssl_per_process(ca.type, cores_allowed(), settings_.time());
    fmt::print("{:<22}{:>5}{:>10}{:>10.0f}\n", "  openssl x509 -req", cores_allowed(), "", script.per_second);
  }

  static void print_cfssl(KeyType type, unsigned connections, const Rounds& rounds) {
    if (rounds.raw_rate.empty()) return;
    print_row("  beside cfssl serve", connections, rounds,
              {type == KeyType::ec_p256 ? 1.0 : 1.2, type == KeyType::ec_p256 ? 1.0 : 1 / 1.2, std::nullopt});
  }

  const Settings settings_;
  test::Rig rig_;
  unsigned requests_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Signatures and certificates per second of a real hubseald beside raw C_Sign on the same token"};
  Settings settings;
  app.add_option("--payload", settings.payload, "bytes signed by sign_jws")->capture_default_str();
  app.add_flag("--no-session-copies", settings.no_copies, "session_copies = false in hubseald.toml");
  app.add_option("--sessions", settings.sessions, "sessions in hubseald.toml; 0: two per core")->capture_default_str();
  app.add_flag("--one-core", settings.one_core, "who signs and who asks have a core each");
  return run_benchmark(app, settings, "sign_jws ec_p256 32", argc, argv, [&] { Bench(settings).run(); });
}
