// What a certificate costs besides the CA's signature: parse and check the CSR, build, lint,
// assemble, verify. Software keys; the signature itself is counted apart.
#include <benchmark/benchmark.h>

#include "daemon/ca/assemble.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using namespace hubseal::test;

namespace {

const TestCa& test_ca(KeyType type) {
  static const TestCa kRsa(KeyType::rsa_2048), kEc(KeyType::ec_p256);
  return is_rsa(type) ? kRsa : kEc;
}

std::string csr_for(KeyType type) {
  const CsrContent content{{{x509::Attribute::common_name, "bank1.example.com"},
                            {x509::Attribute::organization, "Bank One"},
                            {x509::Attribute::country, "KE"}},
                           {"bank1.example.com"},
                           {}};
  return make_csr(make_key(type).get(), content);
}

void parse(benchmark::State& state, KeyType type) {
  const std::string pem = csr_for(type);
  for (auto _ : state) benchmark::DoNotOptimize(x509::Csr::parse(pem).value());
}

void prove(benchmark::State& state, KeyType type) {
  const x509::Csr csr = x509::Csr::parse(csr_for(type)).value();
  for (auto _ : state) benchmark::DoNotOptimize(csr.verify_own_signature().has_value());
}

void prepare(benchmark::State& state, KeyType type) {
  const x509::Csr csr = x509::Csr::parse(csr_for(type)).value();
  for (auto _ : state)
    benchmark::DoNotOptimize(ca::prepare_certificate(*test_ca(type).issuer, {profile("dfsp-client"), csr, "bank1",
                                                                             ca::new_serial().value(), kNow})
                                 .value());
}

void assemble(benchmark::State& state, KeyType type) {
  const TestCa& ca = test_ca(type);
  const x509::Csr csr = x509::Csr::parse(csr_for(type)).value();
  const auto prepared =
      ca::prepare_certificate(*ca.issuer, {profile("dfsp-client"), csr, "bank1", ca::new_serial().value(), kNow})
          .value();
  const Bytes signature = sign_with(ca.key.get(), prepared.algorithm, prepared.tbs);
  for (auto _ : state)
    benchmark::DoNotOptimize(
        ca::assemble_certificate(prepared.tbs, prepared.algorithm, signature, ca.issuer->public_key()).value());
}

void sign(benchmark::State& state, KeyType type) {
  const TestCa& ca = test_ca(type);
  const Bytes tbs(600, 1);
  const auto algorithm = ca::signature_algorithm(ca.issuer->key_type(), ca::Hash::sha256);
  for (auto _ : state) benchmark::DoNotOptimize(sign_with(ca.key.get(), algorithm, tbs));
}

void verify(benchmark::State& state, KeyType type) {
  const TestCa& ca = test_ca(type);
  const Bytes tbs(600, 1);
  const auto algorithm = ca::signature_algorithm(ca.issuer->key_type(), ca::Hash::sha256);
  const Bytes signature = sign_with(ca.key.get(), algorithm, tbs);
  for (auto _ : state) benchmark::DoNotOptimize(verify_signature(ca.issuer->public_key(), algorithm, tbs, signature));
}

}  // namespace

#define HUBSEAL_BENCH_BOTH(step)                        \
  BENCHMARK_CAPTURE(step, rsa_2048, KeyType::rsa_2048); \
  BENCHMARK_CAPTURE(step, ec_p256, KeyType::ec_p256)
HUBSEAL_BENCH_BOTH(parse);
HUBSEAL_BENCH_BOTH(prove);
HUBSEAL_BENCH_BOTH(prepare);
HUBSEAL_BENCH_BOTH(assemble);
HUBSEAL_BENCH_BOTH(sign);
HUBSEAL_BENCH_BOTH(verify);

BENCHMARK_MAIN();
