/// What stands around a signature, piece by piece: codec, group commit, and the way of a certificate
/// without its signature.

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/wire/message.h"
#include "common/x509/csr.h"
#include "daemon/audit.h"
#include "daemon/ca/assemble.h"
#include "daemon/ca/crl.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using test::must;

namespace {

void decode_request(benchmark::State& state) {
  const std::string line =
      dump_json({{"v", 1}, {"id", "r-1"}, {"op", "sign_jws"}, {"key", "hub-jws"}, {"payload", std::string(344, 'A')}});
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(must(wire::decode_request(line)));
}
BENCHMARK(decode_request);

void encode_reply(benchmark::State& state) {
  const Json reply = {{"jws", std::string(800, 'A')}};
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(wire::encode_ok("r-1", reply));
}
BENCHMARK(encode_reply);

/// Durable records: each thread waits for its own, syncs are shared.
class Audit : public benchmark::Fixture {
 public:
  void SetUp(benchmark::State& state) override {
    if (state.thread_index() != 0) return;
    folder_.emplace();
    log_ = must(daemon::AuditLog::open(folder_->path(), clock_));
  }
  void TearDown(benchmark::State& state) override {
    if (state.thread_index() != 0) return;
    log_.reset();
    folder_.reset();
  }

 protected:
  const SystemClock clock_;
  std::optional<test::TempDir> folder_;
  std::unique_ptr<daemon::AuditLog> log_;
};
BENCHMARK_DEFINE_F(Audit, record)(benchmark::State& state) {
  const Json record = {
      {"event", "sign_jws"}, {"result", "ok"}, {"key", "hub-jws"}, {"payload_sha256", std::string(64, 'a')}};
  for ([[maybe_unused]] auto _ : state) must(log_->record(record));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_REGISTER_F(Audit, record)->Threads(1)->Threads(8)->Threads(32)->UseRealTime();

/// A CRL of 100,000 entries: built, signed (P-256 in software) and read back.
void crl_of_100000(benchmark::State& state) {
  const test::TestCa ca{KeyType::ec_p256};
  std::vector<ca::RevokedEntry> entries;
  for (int n = 0; n < 100'000; ++n)
    entries.push_back({must(ca::new_serial()), test::kNow, ca::RevocationReason::superseded});
  const ca::CrlDraft draft{*ca.issuer, SignatureAlgorithm::ecdsa_sha256,    7,
                           test::kNow, test::kNow + std::chrono::hours(48), entries};
  for ([[maybe_unused]] auto _ : state) {
    const Bytes tbs = must(ca::build_crl_tbs(draft));
    benchmark::DoNotOptimize(must(ca::close_crl(draft, tbs, test::sign_with(ca.key.get(), draft.algorithm, tbs))));
  }
}
BENCHMARK(crl_of_100000)->Unit(benchmark::kMillisecond);

/// The steps of issue_certificate that happen here, for a CA of each kind.
void parse_csr(benchmark::State& state) {
  const std::string csr = test::make_csr(test::make_key(KeyType::ec_p256).get());
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(must(x509::Csr::parse(csr)));
}
BENCHMARK(parse_csr)->Unit(benchmark::kMicrosecond);

ca::Prepared prepare(const test::TestCa& ca, const x509::Csr& csr) {
  static const ca::Participant bank = test::anyone();
  return must(ca::prepare_certificate(*ca.issuer, {.profile = test::profile("dfsp-client"),
                                                   .csr = csr,
                                                   .participant = bank,
                                                   .ca = "hub-ca",
                                                   .serial = must(ca::new_serial()),
                                                   .now = test::kNow}));
}

void prepare_and_lint(benchmark::State& state, KeyType type) {
  const test::TestCa ca(type);
  const auto csr = must(x509::Csr::parse(test::make_csr(test::make_key(KeyType::ec_p256).get())));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(prepare(ca, csr));
}
BENCHMARK_CAPTURE(prepare_and_lint, rsa_2048, KeyType::rsa_2048)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(prepare_and_lint, ec_p256, KeyType::ec_p256)->Unit(benchmark::kMicrosecond);

void close_and_verify(benchmark::State& state, KeyType type) {
  const test::TestCa ca(type);
  const auto csr = must(x509::Csr::parse(test::make_csr(test::make_key(KeyType::ec_p256).get())));
  const ca::Prepared prepared = prepare(ca, csr);
  const Bytes signature = test::sign_with(ca.key.get(), prepared.algorithm, prepared.tbs);
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(must(ca::close_certificate(prepared.tbs, prepared.algorithm, signature, ca.key.get())));
}
BENCHMARK_CAPTURE(close_and_verify, rsa_2048, KeyType::rsa_2048)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(close_and_verify, ec_p256, KeyType::ec_p256)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
