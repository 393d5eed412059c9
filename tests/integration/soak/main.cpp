/// The long run: many clients, every operation and many that must be refused, against one hubseald;
/// afterwards nothing may have grown, nothing may be missing from the audit log, and the daemon must
/// end as asked. The sanitizers' builds of the daemon are run with it by scripts/soak.

#include <sys/socket.h>

#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "tests/integration/soak/caller.h"
#include "tests/integration/soak/operations.h"
#include "tests/integration/soak/rig.h"
#include "tests/support/must.h"

using namespace hubseal;
using namespace hubseal::test;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kEnoughRequests = 5000;  // about one in 100 makes a CA or its key

struct Settings {
  std::string hubseald;
  double seconds = 600;
  unsigned connections = 32;
  std::size_t signatures = 0;  ///< instead of a time: so many sign_jws
  std::size_t growth_mib = 8;
};

/// Most clients are honest; every few hundred requests one goes away badly and comes back.
void leave_badly(const Rig& rig, const std::string& socket, std::mt19937& random) {
  Caller caller(rig.socket(socket));
  if (random() % 2) return;
  caller.send(std::string(random() % 40'000, 'x'));  // half a line, and gone
}

void run_client(Rig& rig, Soak& soak, unsigned number, Clock::time_point end) {
  static const char* const kSockets[] = {"jws", "agent", "jws", "admin", "agent", "jws", "agent", "audit"};
  const std::string socket = kSockets[number % std::size(kSockets)];
  std::mt19937 random(number);
  try {
    Caller caller(rig.socket(socket));
    while (Clock::now() < end) {
      if (random() % 300 == 0) leave_badly(rig, socket, random);
      const Ask ask = soak.next(socket, random);
      soak.judge(ask, caller.call(ask.line));
    }
  } catch (const std::exception& fault) {
    soak.fault(fmt::format("client {} on {}: {}", number, socket, fault.what()));
  }
}

void run_signer(Rig& rig, Soak& soak, std::atomic<std::size_t>& left) {
  const Ask ask{"sign_jws",
                R"({"v":1,"id":"soak","op":"sign_jws","key":"soak-p256","payload":"eyJhIjoxfQ"})"
                "\n",
                "ok"};
  try {
    Caller caller(rig.socket("jws"));
    for (std::size_t before = left.load(); before > 0;)
      if (left.compare_exchange_weak(before, before - 1)) soak.judge(ask, caller.call(ask.line));
  } catch (const std::exception& fault) {
    soak.fault(fault.what());
  }
}

void run_clients(const Settings& settings, Rig& rig, Soak& soak, double part) {
  const auto end = Clock::now() +
                   std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(settings.seconds * part));
  std::atomic<std::size_t> left{static_cast<std::size_t>(static_cast<double>(settings.signatures) * part)};
  std::vector<std::jthread> clients;
  for (unsigned i = 0; i < settings.connections; ++i)
    clients.emplace_back(
        [&, i] { settings.signatures > 0 ? run_signer(rig, soak, left) : run_client(rig, soak, i, end); });
}

struct Footprint {
  std::size_t resident = 0;
  std::optional<std::size_t> files;
};

/// After the clients have gone; their descriptors close a moment later than ours.
Footprint footprint_of(const Rig& rig, std::optional<std::size_t> expected_files) {
  const auto patience = Clock::now() + std::chrono::seconds(10);
  auto files = rig.open_files();
  while (files && expected_files && *files > *expected_files && Clock::now() < patience) {
    std::this_thread::yield();
    files = rig.open_files();
  }
  return {rig.resident_bytes(), files};
}

/// Whole lines, numbered without a gap, and each answer that a client got from a recorded operation.
void check_audit_log(const Rig& rig, Soak& soak) {
  std::map<std::string, std::size_t> found;
  std::uint64_t expected = 1;
  const std::vector<audit::LogFile> files = must(audit::log_files(rig.audit_folder()));
  const auto take = [&](std::string_view line, bool) -> Result<bool> {
    const auto record = parse_json(line, {.max_depth = 8});
    if (!record || (*record)["seq"] != expected) {
      soak.fault(fmt::format("audit log: record {} is {:.200}", expected, line));
      return false;
    }
    ++expected;
    if (!record->contains("result")) return true;
    // What does not exist is recorded under a word of the daemon's, with the peer's word beside it.
    const bool unknown = (*record)["event"] == "unknown_operation";
    ++found[(*record)[unknown ? "op" : "event"].get<std::string>() + " " + (*record)["result"].get<std::string>()];
    return true;
  };
  for (const audit::LogFile& file : files) must(audit::read_lines(file.path, take));
  fmt::print("audit log: {} records in {} files\n", expected - 1, files.size());
  for (const auto& [what, count] : soak.recorded())
    if (found[what] < count) soak.fault(fmt::format("audit log: {} of {} \"{}\"", found[what], count, what));
}

void check_growth(const Settings& settings, const Footprint& before, const Footprint& after, Soak& soak) {
  const auto mib = [](std::size_t bytes) { return static_cast<double>(bytes) / 1048576; };
  fmt::print("resident: {:.1f} MiB after warming up, {:.1f} MiB at the end\n", mib(before.resident),
             mib(after.resident));
  if (before.files)
    fmt::print("descriptors: {} and {}\n", *before.files, *after.files);
  else
    fmt::print("descriptors: not looked at (only root may look into hubseald)\n");
  if (settings.growth_mib > 0 && after.resident > before.resident + settings.growth_mib * 1048576)
    soak.fault(fmt::format("memory grew by more than {} MiB", settings.growth_mib));
  if (before.files && *after.files > *before.files) soak.fault("descriptors were left open");
}

/// A run that was long enough has asked for everything there is.
void check_mix(const Settings& settings, Soak& soak) {
  std::size_t requests = 0;
  for (const auto& [what, count] : soak.counts()) requests += count;
  if (settings.signatures > 0 || requests < kEnoughRequests) return;
  for (const std::string& op : soak.left_out()) soak.fault(fmt::format("the mix never had a {} that succeeded", op));
}

void run(const Settings& settings, Soak& soak) {
  Rig rig({.hubseald = settings.hubseald, .jws_keys = {"soak-rsa", "soak-p256"}});
  rig.admin("create_key", {{"label", "soak-rsa"}, {"type", "rsa_2048"}, {"use", "jws"}});
  rig.admin("create_key", {{"label", "soak-p256"}, {"type", "ec_p256"}, {"use", "jws"}});
  rig.make_ca("soak-ca", "ec_p256");
  soak.set_ca(rig.admin("get_ca", {{"ca", "soak-ca"}})["certificate"]);
  for (const char* bank : {"bank2", "stopped"})
    rig.admin("set_subject",
              {{"subject", bank}, {"organization", "Bank Two"}, {"country", "KE"}, {"names", Json::object()}});
  rig.admin("add_approver", soak.consent().key_approver());
  rig.admin("add_approver", Consent::uid_approver());
  const auto idle_files = rig.open_files();

  run_clients(settings, rig, soak, 0.25);
  const Footprint before = footprint_of(rig, idle_files);
  run_clients(settings, rig, soak, 0.75);
  const Footprint after = footprint_of(rig, before.files);

  check_mix(settings, soak);
  check_growth(settings, before, after, soak);
  if (const int status = rig.stop(); status != 0) soak.fault(fmt::format("hubseald ended with {}", status));
  check_audit_log(rig, soak);
  for (const auto& [what, count] : soak.counts()) fmt::print("{:>9} {}\n", count, what);
  if (!soak.problems().empty()) fmt::print("hubseald wrote:\n{}\n", rig.log());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Many clients on one hubseald for a long time; then nothing may have grown, failed or been lost"};
  Settings settings;
  app.add_option("--hubseald", settings.hubseald, "the daemon's program")->required();
  app.add_option("--seconds", settings.seconds, "how long")->capture_default_str();
  app.add_option("--connections", settings.connections, "how many clients")->capture_default_str();
  app.add_option("--signatures", settings.signatures, "so many sign_jws instead of the mix for a time");
  app.add_option("--growth-mib", settings.growth_mib, "growth of memory that is allowed after warming up; 0: any")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  Soak soak;
  try {
    run(settings, soak);
  } catch (const std::exception& fault) {
    soak.fault(fault.what());
  }
  for (const std::string& problem : soak.problems()) fmt::print(stderr, "PROBLEM: {}\n", problem);
  return soak.problems().empty() ? 0 : 1;
}
