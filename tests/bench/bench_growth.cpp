/// What hubseald's work costs as it grows older: with as many connections as it takes, certificates in its registry and
/// records in its audit log. What was there before is written by hubseald's own code, in large transactions.

#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "daemon/audit.h"
#include "daemon/registry/certificate_table.h"
#include "daemon/registry/registry.h"
#include "tests/bench/load.h"
#include "tests/bench/load_table.h"
#include "tests/bench/schedule.h"
#include "tests/integration/soak/rig.h"
#include "tests/support/must.h"

using namespace hubseal;
using namespace hubseal::bench;
using test::must;

namespace {

constexpr char kKey[] = "jws-p256", kCa[] = "ca-p256";
constexpr unsigned kAtOnce = 8;
constexpr std::uint64_t kRecordsForEach = 10;  // certificate
constexpr std::uint64_t kParticipants = 1'000;

/// The state of a hubseald that has stopped, as its own code writes it.
class State {
 public:
  explicit State(const std::filesystem::path& audit)
      : registry_(must(daemon::Registry::open(audit.parent_path()))),
        log_(must(daemon::AuditLog::open(audit, clock_))) {
    log_->say_changes(registry_->changes());
    registry_->see_records(log_->durable());
  }

  void add_records(std::uint64_t until) {
    constexpr std::uint64_t kTogether = 10'000;
    Json record{{"event", "sign_jws"}, {"result", "ok"}, {"key", kKey}, {"payload_sha256", ""},
                {"peer", "jws"},       {"uid", 990},     {"gid", 990},  {"pid", 4711}};
    while (log_->records() < until) {
      std::vector<std::unique_ptr<daemon::AuditLog::Pending>> waiting;
      for (std::uint64_t n = log_->records(); n < until && waiting.size() < kTogether; ++n) {
        record["payload_sha256"] = fmt::format("{:064x}", n);
        waiting.push_back(log_->begin(record));
      }
      for (const auto& pending : waiting) must(pending->wait());
    }
  }

  void add_certificates(std::uint64_t from, std::uint64_t until) {
    constexpr std::uint64_t kTogether = 10'000;
    const auto like = must(registry_->read([](daemon::Database& database) {
      return daemon::certificate_table::list(database, {.ca = kCa, .subject = {}, .limit = 2});
    }));
    for (std::uint64_t n = from; n < until;) {
      const std::uint64_t end = std::min(n + kTogether, until);
      must(registry_->write([&](daemon::Database& database) -> Result<> {
        for (; n < end; ++n) TRY(add(database, like.back(), n));
        return {};
      }));
    }
  }

 private:
  /// One like those that hubseald has issued, for another key and mostly for another participant.
  static Result<> add(daemon::Database& database, daemon::CertificateRecord record, std::uint64_t n) {
    const auto hash = sha256(as_bytes(fmt::format("certificate {}", n)));  // spread, as serials and keys are
    std::copy(hash.begin(), hash.end(), record.key_id.begin());
    record.key_core = record.key_id;
    record.serial = to_hex(hash).substr(0, 40);
    record.subject = fmt::format("bank{}", n % kParticipants);
    record.request = fmt::format("older-{}", n);
    record.content_hash.assign(hash.begin(), hash.end());
    record.names_hash = record.content_hash;
    TRY(daemon::certificate_table::reserve(database, record));
    TRY(daemon::certificate_table::complete(database, record.ca, record.serial, record.certificate));
    return {};
  }

  const SystemClock clock_;
  std::unique_ptr<daemon::Registry> registry_;
  std::unique_ptr<daemon::AuditLog> log_;
};

class Growth {
 public:
  explicit Growth(const Schedule& schedule)
      : schedule_(schedule), rig_({.hubseald = HUBSEALD, .jws_keys = {kKey}, .log_file_mib = 64}) {
    rig_.admin("create_key", {{"label", kKey}, {"type", "ec_p256"}, {"use", "jws"}});
    rig_.make_ca(kCa, "ec_p256");
    certify(1);
  }

  void connections() {
    print_load_header("connections");
    for (const unsigned connections : {1u, 2u, 4u, 8u, 16u, 32u, 56u})
      if (schedule_.wants("connections", connections))
        print_load(std::to_string(connections), schedule_.rounds, [&] { return sign(connections); });
  }

  void age(std::uint64_t most) {
    fmt::print("\n{:>14}{:>14}{:>16}{:>16}{:>14}{:>13}{:>14}{:>14}\n", "certificates", "records", "sign_jws CPU us",
               "certify CPU us", "READY after s", "of it CPU s", "all read at s", "resident MiB");
    measure(0);
    for (std::uint64_t certificates = 1'000; certificates <= most; certificates *= 10) {
      rig_.stop();
      {
        State state(rig_.audit_folder());
        state.add_records(certificates * kRecordsForEach);
        state.add_certificates(filled_, certificates);
      }
      filled_ = certificates;
      rig_.start();  // and make a checkpoint of what was filled in
      measure(certificates);
    }
  }

 private:
  Measurement sign(unsigned connections) const {
    return repeat_line(rig_, "jws", sign_jws_line(kKey, 256), connections, schedule_.time());
  }
  Measurement certify(double per_second) {
    const auto csrs = make_csrs(per_second, schedule_.time());
    return send_once(rig_, "agent", issue_lines(kCa, csrs, requests_), kAtOnce, schedule_.time());
  }

  /// A log that is long is read on for a while beside the work, a file at a time, with pauses.
  void await_rest() const {
    constexpr std::chrono::milliseconds kLook{3'000}, kIdle{15};
    for (auto before = rig_.cpu();; before = rig_.cpu()) {
      std::this_thread::sleep_for(kLook);
      if (rig_.cpu() - before < kIdle) return;
    }
  }

  void measure(std::uint64_t certificates) {
    constexpr double kMostCertificates = 1'000;  // a second
    if (const int status = rig_.stop(); status != 0)
      throw std::runtime_error(fmt::format("hubseald ended with {}:\n{}", status, rig_.log()));
    const auto begin = std::chrono::steady_clock::now();
    rig_.start();
    const Seconds ready = std::chrono::steady_clock::now() - begin, cpu = rig_.cpu();
    await_rest();
    const Seconds rested = std::chrono::steady_clock::now() - begin;
    std::vector<double> signing, certifying;
    for (unsigned round = 0; round < schedule_.rounds; ++round) {
      signing.push_back(sign(kAtOnce).cpu_us);
      certifying.push_back(certify(kMostCertificates).cpu_us);
    }
    fmt::print("{:>14}{:>14}{:>16.0f}{:>16.0f}{:>14.2f}{:>13.2f}{:>14.2f}{:>14.1f}\n", certificates,
               certificates * kRecordsForEach, median(signing), median(certifying), ready.count(), cpu.count(),
               rested.count(), static_cast<double>(rig_.resident_bytes()) / 1048576);
    std::fflush(stdout);
  }

  const Schedule schedule_;
  test::Rig rig_;
  unsigned requests_ = 0;
  std::uint64_t filled_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "What a signature (P-256) and a certificate cost hubseald, by connections, and by what it has behind it"};
  Schedule schedule{.seconds = 1, .rounds = 3, .only = {}};
  std::uint64_t most = 100'000;
  app.add_option("--most", most, "certificates at the end, from 1,000 on in tenfold steps; ten records for each")
      ->capture_default_str();
  return run_benchmark(app, schedule, "connections 32", argc, argv, [&] {
    Growth growth(schedule);
    growth.connections();
    if (schedule.wants("age", kAtOnce)) growth.age(most);
  });
}
