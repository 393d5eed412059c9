// Signer::sign beside raw C_Sign, same token, same run. process_time is the figure that counts: CPU
// of the whole process per signature.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include "hsm/token_signer.h"
#include "tests/bench/raw_sign.h"
#include "tests/support/test_token.h"

namespace hubseal::bench {
namespace {

constexpr KeyType kMeasured[] = {KeyType::rsa_2048, KeyType::rsa_4096, KeyType::ec_p256};

/// One token for the whole run, with one key of each kind.
struct Bench {
  test::TestToken token;
  std::unique_ptr<hsm::Signer> signer;
  bool session_copies = false;
  std::map<KeyType, KeyId> keys;

  template <class T>
  static T ok(Result<T> result) {
    if (result) return std::move(*result);
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  /// One Signer at a time: C_Finalize is for the whole process.
  void open(bool copies) {
    if (signer && session_copies == copies) return;
    signer.reset();
    hsm::TokenConfig config = token.config();
    config.sessions = 2;
    config.session_copies = session_copies = copies;
    signer = ok(hsm::open_token(config));
  }
};
Bench* bench = nullptr;

void sign_through(benchmark::State& state, KeyType type) {
  const KeyId& key = bench->keys.at(type);
  const auto algorithm = is_rsa(type) ? SignatureAlgorithm::rsa_pkcs1_sha256 : SignatureAlgorithm::ecdsa_sha256;
  const Bytes message(256, 'm');
  for ([[maybe_unused]] auto _ : state) {
    const auto signature = bench->signer->sign(key, algorithm, message);
    if (!signature) return state.SkipWithError(signature.error().message.c_str());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void sign_raw(benchmark::State& state, KeyType type, bool session_copies) {
  auto signer = RawSigner::open({.module = bench->token.module(),
                                 .label = bench->token.label(),
                                 .pin = bench->token.pin(),
                                 .key = bench->keys.at(type),
                                 .session_copy = session_copies});
  if (!signer) return state.SkipWithError(signer.error().message.c_str());
  for ([[maybe_unused]] auto _ : state)
    if (!signer->sign()) return state.SkipWithError("the token does not sign");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void add_benchmarks(KeyType type, bool session_copies) {
  const std::string suffix = std::string(to_string(type)) + (session_copies ? "/session_copies" : "/token_objects");
  for (benchmark::internal::Benchmark* one :
       {benchmark::RegisterBenchmark(("raw/" + suffix).c_str(), sign_raw, type, session_copies),
        benchmark::RegisterBenchmark(("signer/" + suffix).c_str(), sign_through, type)}) {
    one->Setup(session_copies ? [](const benchmark::State&) { bench->open(true); }
                              : [](const benchmark::State&) { bench->open(false); });
    one->Threads(1)->Threads(2)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace
}  // namespace hubseal::bench

int main(int argc, char** argv) {
  using namespace hubseal::bench;
  benchmark::Initialize(&argc, argv);
  Bench for_this_run;
  bench = &for_this_run;
  bench->open(false);
  for (const hubseal::KeyType type : kMeasured)
    bench->keys[type] = Bench::ok(bench->signer->generate_key(type, to_string(type))).id;
  for (const bool session_copies : {false, true})
    for (const hubseal::KeyType type : kMeasured) add_benchmarks(type, session_copies);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
