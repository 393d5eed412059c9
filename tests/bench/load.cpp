#include "tests/bench/load.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/openssl.h"
#include "tests/bench/crowd.h"
#include "tests/integration/soak/csr_maker.h"
#include "tests/support/must.h"

namespace hubseal::bench {
namespace {

Service daemon_at(const std::string& socket) {
  return {.connect = [socket] { return connect_unix(socket); }, .reply_size = line_size, .good = R"(,"ok":)"};
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

}  // namespace

Measurement repeat_line(const test::Rig& rig, const std::string& socket, const std::string& line, unsigned connections,
                        Seconds time) {
  return with_cpu_of({rig.pid()}, [&] {
    return run_crowd(daemon_at(rig.socket(socket)), connections, time,
                     [&] { return std::optional(std::string_view(line)); });
  });
}

Measurement send_once(const test::Rig& rig, const std::string& socket, const std::vector<std::string>& lines,
                      unsigned connections, Seconds time) {
  return with_cpu_of({rig.pid()},
                     [&] { return run_crowd(daemon_at(rig.socket(socket)), connections, time, one_by_one(lines)); });
}

std::string sign_jws_line(const std::string& key, std::size_t payload_bytes) {
  const std::string payload = to_base64url(Bytes(payload_bytes, 0x5a));
  return dump_json({{"v", 1}, {"id", "bench"}, {"op", "sign_jws"}, {"key", key}, {"payload", payload}}) + "\n";
}

std::vector<std::string> make_csrs(double per_second, Seconds time) {
  constexpr double kMostPerSecond = 8'000;
  std::vector<std::string> csrs;
  const auto count = static_cast<std::size_t>(std::min(per_second, kMostPerSecond) * time.count()) + 8;
  while (csrs.size() < count) csrs.push_back(test::make_csr());
  return csrs;
}

std::vector<std::string> issue_lines(const std::string& ca, const std::vector<std::string>& csrs, unsigned& requests) {
  std::vector<std::string> lines;
  for (const std::string& csr : csrs) lines.push_back(issue_line(ca, fmt::format("r{}", ++requests), csr));
  return lines;
}

Measurement sign_through(hsm::Signer& signer, const hsm::KeyInfo& key, unsigned threads, Seconds time) {
  const auto algorithm = is_rsa(key.type) ? SignatureAlgorithm::rsa_pkcs1_sha256 : SignatureAlgorithm::ecdsa_sha256;
  const Bytes message(256, 0x5a);
  return with_cpu_of({::getpid()}, [&] {
    return run_threads(threads, time, [&](unsigned) { test::must(signer.sign(key.id, algorithm, message)); });
  });
}

Measurement verify_alone(KeyType type, unsigned threads, Seconds time) {
  const PkeyPtr key(is_rsa(type) ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  const Bytes digest(32, 0x5a);
  const auto prepared = [&](auto init) {
    PkeyContextPtr context(EVP_PKEY_CTX_new(key.get(), nullptr));
    if (!context || init(context.get()) != 1 || EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) != 1)
      throw std::runtime_error("libcrypto does not verify");
    return context;
  };
  Bytes signature(1024);
  std::size_t size = signature.size();
  if (EVP_PKEY_sign(prepared(EVP_PKEY_sign_init).get(), signature.data(), &size, digest.data(), digest.size()) != 1)
    throw std::runtime_error("libcrypto does not sign");
  std::vector<PkeyContextPtr> contexts;
  while (contexts.size() < threads) contexts.push_back(prepared(EVP_PKEY_verify_init));
  return with_cpu_of({::getpid()}, [&] {
    return run_threads(threads, time, [&](unsigned thread) {
      if (EVP_PKEY_verify(contexts[thread].get(), signature.data(), size, digest.data(), digest.size()) != 1)
        throw std::runtime_error("libcrypto finds a signature wrong");
    });
  });
}

}  // namespace hubseal::bench
