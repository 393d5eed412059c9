#include "tests/bench/agent_load.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <nlohmann/json.hpp>

#include "common/openssl.h"
#include "tests/bench/crowd.h"
#include "tests/integration/soak/csr_maker.h"

namespace hubseal::bench {
namespace {

constexpr unsigned kFillers = 8;
constexpr std::size_t kWaiting = 100;     // enrolments of one participant that may wait
constexpr unsigned kPerConnection = 100;  // the agent ends those that are five minutes old

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string signed_csr(EVP_PKEY* key, const std::string& name) {
  const CsrPtr csr(X509_REQ_new());
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME* subject = X509_REQ_get_subject_name(csr.get());
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  if (X509_REQ_set_version(csr.get(), 0) != 1 || X509_REQ_set_pubkey(csr.get(), key) != 1 ||
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) != 1 ||
      X509_REQ_sign(csr.get(), key, EVP_sha256()) <= 0 || PEM_write_bio_X509_REQ(out.get(), csr.get()) != 1)
    throw std::runtime_error("no CSR: " + drain_openssl_errors());
  return text_of(out.get());
}

}  // namespace

std::vector<std::string> make_rsa_4096_csrs(std::size_t count) {
  const PkeyPtr key(EVP_RSA_gen(4096));
  std::vector<std::string> csrs;
  while (csrs.size() < count) csrs.push_back(signed_csr(key.get(), fmt::format("c{}", csrs.size())));
  return csrs;
}

std::string make_public_key() {
  const PkeyPtr key(EVP_EC_gen("P-256"));
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PUBKEY(out.get(), key.get()) != 1) throw std::runtime_error("no key: " + drain_openssl_errors());
  return text_of(out.get());
}

Measurement drive(pid_t process, unsigned port, unsigned connections, Seconds time,
                  const std::function<std::optional<std::string_view>()>& next) {
  const Service service{
      .connect = [port] { return connect_loopback(port); }, .reply_size = http_reply_size, .good = "HTTP/1.1 200 "};
  return with_cpu_of({process}, [&] { return run_crowd(service, connections, time, next); });
}

std::function<std::optional<std::string_view>()> again_and_again(const std::string& request) {
  return [&request] { return std::optional(std::string_view(request)); };
}

std::string inbound_path(const std::string& dfsp) { return fmt::format("/api/dfsps/{}/enrollments/inbound", dfsp); }

void add_dfsp(HttpClient& client, const std::string& dfsp) {
  client.ask("POST", "/api/dfsps", {{"dfspId", dfsp}, {"name", "Bank " + dfsp}});
}

std::int64_t enrol(HttpClient& client, const std::string& dfsp, const std::string& csr) {
  return client.ask("POST", inbound_path(dfsp), {{"clientCSR", csr}})["id"].get<std::int64_t>();
}

void sign(HttpClient& client, const std::string& dfsp, std::int64_t enrollment) {
  const Json answer = client.ask("POST", fmt::format("{}/{}/sign", inbound_path(dfsp), enrollment));
  if (answer["state"] != "CERT_SIGNED") throw std::runtime_error("not signed: " + answer.dump());
}

std::vector<std::string> requests_to_sign(HttpClient& client, const std::string& prefix, std::size_t count) {
  std::vector<std::string> requests;
  for (std::string dfsp; requests.size() < count;) {
    if (requests.size() % kWaiting == 0) {
      dfsp = fmt::format("{}{}", prefix, requests.size() / kWaiting);
      add_dfsp(client, dfsp);
    }
    requests.push_back(http_request(
        "POST", fmt::format("{}/{}/sign", inbound_path(dfsp), enrol(client, dfsp, test::make_csr())), "{}"));
  }
  return requests;
}

void fill(unsigned port, const std::string& dfsp, std::size_t count) {
  std::atomic<std::size_t> left = count;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    try {
      std::unique_ptr<HttpClient> client;
      unsigned made = 0;
      for (std::size_t now = left; now > 0; now = left) {
        if (!left.compare_exchange_weak(now, now - 1)) continue;
        if (made++ % kPerConnection == 0) client = std::make_unique<HttpClient>(port);
        sign(*client, dfsp, enrol(*client, dfsp, test::make_csr()));
      }
    } catch (const std::exception& problem) {
      fmt::print(stderr, "fill: {}\n", problem.what());
      failed = true;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kFillers; ++i) threads.emplace_back(work);
  }
  if (failed) throw std::runtime_error("enrolments could not be made");
}

Measurement create_and_sign(const AgentProcess& agent, const std::string& dfsp, unsigned connections, Seconds time) {
  std::vector<HttpClient> clients;
  for (unsigned i = 0; i < connections; ++i) clients.emplace_back(agent.port());
  return with_cpu_of({agent.pid()}, [&] {
    return run_threads(connections, time, [&](unsigned thread) {
      sign(clients[thread], dfsp, enrol(clients[thread], dfsp, test::make_csr()));
    });
  });
}

}  // namespace hubseal::bench
