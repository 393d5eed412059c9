/// The audit log at its size after a year: what `hubseal audit verify` takes for all of it, good and with one record
/// edited, and what one record's proof of inclusion takes.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "common/audit/checkpoint.h"
#include "common/audit/log_files.h"
#include "common/audit/stored_hashes.h"
#include "common/key_types.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::audit;
using test::must;

namespace {

using Seconds = std::chrono::duration<double>;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kCheckpointRecords = 1000;  // as config/hubseald.toml has it
constexpr std::int64_t kFileBytes = 64 << 20;

/// A log as hubseald leaves it: files that were put away, a checkpoint every so often, the hashes of the tree.
class Log {
 public:
  explicit Log(std::uint64_t records)
      : key_(test::make_key(KeyType::ec_p256)),
        spki_(must(spki_of(key_.get()))),
        records_(folder_ / kCurrentFile),
        hashes_(folder_ / kHashesFile, std::ios::binary),
        checkpoints_(folder_ / kCheckpointsFile) {
    std::ofstream(key_file()) << must(public_key_pem(key_.get()));
    while (tree_.size() < records) {
      if (records_.tellp() >= kFileBytes) put_away();
      append();
      if (tree_.size() % kCheckpointRecords == 0 || tree_.size() == records) sign();
    }
    for (std::ofstream* file : {&records_, &hashes_, &checkpoints_}) {
      file->close();
      if (!*file) throw std::runtime_error(fmt::format("{} cannot be written", folder_.path().string()));
    }
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path key_file() const { return folder_ / "audit-key.pem"; }
  const Tree& tree() const { return tree_; }

  /// Of the newest record, which costs most to find, one byte.
  void edit_last() {
    std::fstream file(folder_ / kCurrentFile, std::ios::in | std::ios::out);
    file.seekp(last_);
    file.seekp(static_cast<std::streamoff>(line_.find("ledger")), std::ios::cur);
    file.put('L');
  }

 private:
  void append() {
    line_ = fmt::format(
        R"({{"seq":{0},"time":"2026-11-26T09:00:00Z","changes":7,"event":"sign_jws","result":"ok","key":"hub-jws",)"
        R"("payload_sha256":"{0:064x}","peer":"ledger","uid":990,"gid":990,"pid":4711}})",
        tree_.size() + 1);
    last_ = records_.tellp();
    records_ << line_ << '\n';
    tree_.append(leaf_hash(as_bytes(line_)), [this](const Hash& hash) {
      hashes_.write(reinterpret_cast<const char*>(hash.data()), static_cast<std::streamsize>(hash.size()));
    });
  }

  void put_away() {
    records_.close();
    std::filesystem::rename(folder_ / kCurrentFile, folder_ / rotated_name(first_));
    first_ = tree_.size() + 1;
    records_.open(folder_ / kCurrentFile);
  }

  void sign() {
    SignedNote note{text_of(Checkpoint{"hubseal/bench", tree_.size(), tree_.root()}), {}};
    const Bytes raw = test::sign_with(key_.get(), SignatureAlgorithm::ecdsa_sha256, as_bytes(note.text));
    note.signatures.push_back({"hubseal/bench", ecdsa_signer_id(spki_), must(ecdsa_raw_to_der(raw))});
    checkpoints_ << to_text(note) << '\n';
  }

  test::TempDir folder_;
  PkeyPtr key_;
  Bytes spki_;
  std::ofstream records_, hashes_, checkpoints_;
  Tree tree_;
  std::uint64_t first_ = 1;
  std::string line_;
  std::streamoff last_ = 0;
};

struct Run {
  int status = 0;
  Seconds time{}, cpu{};
  double peak_mib = 0;
};

/// The most memory that a running process had, in MiB. Its parent's counts for rusage, and not here.
double peak_mib(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/status", process));
  for (std::string word; file >> word;)
    if (double kib = 0; word == "VmHWM:" && file >> kib) return kib / 1024;
  return 0;
}

Run verify(const Log& log) {
  std::string words[] = {HUBSEAL, "audit", "verify", log.folder().string(), "--key", log.key_file().string()};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const int fd : {1, 2}) ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
  const auto begin = Clock::now();
  pid_t child = 0;
  const int failure = ::posix_spawn(&child, HUBSEAL, &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw std::runtime_error("hubseal does not start");
  Run run;
  rusage used{};
  int status = 0;
  for (; ::wait4(child, &status, WNOHANG, &used) == 0; std::this_thread::sleep_for(std::chrono::milliseconds(1)))
    run.peak_mib = std::max(run.peak_mib, peak_mib(child));
  run.time = Clock::now() - begin;
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  for (const timeval& part : {used.ru_utime, used.ru_stime})
    run.cpu += std::chrono::seconds(part.tv_sec) + std::chrono::microseconds(part.tv_usec);
  return run;
}

void print_verify(std::string_view what, const Log& log, int wanted) {
  const Run run = verify(log);
  if (run.status != wanted)
    throw std::runtime_error(fmt::format("{}: hubseal ended with {}; wanted {}", what, run.status, wanted));
  fmt::print("{:<28}{:>9.2f} s{:>9.2f} s CPU{:>12.0f} records/s{:>8.1f} MiB\n", what, run.time.count(), run.cpu.count(),
             static_cast<double>(log.tree().size()) / run.time.count(), run.peak_mib);
}

/// Some records all over the log, each proven from the stored hashes and the proof verified.
void print_inclusion(const Log& log) {
  constexpr std::uint64_t kProofs = 1000;
  const auto stored = must(StoredHashes::open_to_read(log.folder() / kHashesFile));
  const HashReader read = [&](unsigned level, std::uint64_t n) { return stored.read(level, n); };
  const std::uint64_t size = log.tree().size();
  const Hash root = log.tree().root();
  std::size_t hashes = 0;
  const auto begin = Clock::now();
  const std::clock_t cpu_begin = std::clock();
  for (std::uint64_t n = 0; n < kProofs; ++n) {
    const std::uint64_t index = n * (size - 1) / kProofs;
    const auto proof = must(inclusion_proof(index, size, read));
    hashes += proof.size();
    if (!verify_inclusion(must(read(0, index)), index, size, proof, root)) throw std::runtime_error("no proof");
  }
  const Seconds time = Clock::now() - begin, cpu(static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC);
  fmt::print("{:<28}{:>9.1f} us{:>9.1f} us CPU{:>12.1f} hashes each\n", "inclusion, made and verified",
             time.count() / kProofs * 1e6, cpu.count() / kProofs * 1e6, static_cast<double>(hashes) / kProofs);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"What it takes to verify an audit log, and to prove one record of it"};
  std::uint64_t records = 1'000'000;
  app.add_option("--records", records, "in the log")->capture_default_str()->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    Log log(records);
    fmt::print("records: {}, files: {}\n", records, must(log_files(log.folder())).size());
    print_verify("verify, all good", log, 0);
    print_inclusion(log);
    log.edit_last();
    print_verify("verify, the last one edited", log, 3);
    return 0;
  } catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
  }
}
