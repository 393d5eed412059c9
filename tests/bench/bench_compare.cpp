/// hubseald beside what people would use instead, on one token with the same keys, or for the same certificates: rounds
/// in turns, medians, ratios within a round.

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "hsm/token_signer.h"
#include "tests/bench/contest.h"
#include "tests/bench/load.h"
#include "tests/bench/others.h"
#include "tests/bench/p11_kit_server.h"
#include "tests/bench/raw_token.h"
#include "tests/bench/schedule.h"
#include "tests/bench/ssh_agent.h"
#include "tests/integration/soak/rig.h"
#include "tests/support/must.h"

using namespace hubseal;
using namespace hubseal::bench;

namespace {

constexpr std::size_t kBytes = 256;  // that are signed
constexpr unsigned kConnections[] = {1, 8, 32};

struct KeyKind {
  KeyType type;
  std::string jws, ca;  ///< labels; a JWS key has at most 3072 bits (JWS-2)
};

class Comparison {
 public:
  explicit Comparison(const Schedule& schedule)
      : schedule_(schedule), rig_({.hubseald = HUBSEALD, .jws_keys = {"jws-rsa-2048", "jws-p256"}}) {
    for (const KeyKind& key : keys_) {
      if (!key.jws.empty())
        rig_.admin("create_key", {{"label", key.jws}, {"type", to_string(key.type)}, {"use", "jws"}});
      rig_.make_ca(key.ca, to_string(key.type));
    }
    if (SshAgent::installed()) ssh_agent_ = std::make_unique<SshAgent>(rig_.token());
    if (P11KitServer::installed()) p11_kit_ = std::make_unique<P11KitServer>(rig_.token());
  }

  /// Whether everybody who is installed could take part.
  bool run() {
    fmt::print(
        "{} cores, {} rounds of {} s each, medians. raw: C_SignInit and C_Sign in a loop with a session a core (one "
        "for 1 connection).\nCPU: of all processes that serve, for each answer. hubseald verifies and records what it "
        "signs, nobody else does.\n\n",
        cores_allowed(), schedule_.rounds, schedule_.seconds);
    Contest::print_header();
    for (const KeyKind& key : keys_)
      for (const unsigned connections : kConnections) sign(key, connections);
    for (const KeyKind& key : keys_)
      for (const unsigned connections : kConnections) issue(key, connections);
    if (const int status = rig_.stop(); status != 0)
      throw std::runtime_error(fmt::format("hubseald ended with {}", status));
    return all_took_part_;
  }

 private:
  Measurement raw(const std::string& label, KeyType type, unsigned connections) const {
    RawToken token(rig_.token().module(), rig_.token().label(), rig_.token().pin());
    return token.sign(label, type, std::min(connections, cores_allowed()), schedule_.time());
  }

  void sign(const KeyKind& key, unsigned connections) {
    const std::string what = fmt::format("sign {}", to_string(key.type));
    if (!schedule_.wants(what, connections)) return;
    const std::string label = key.jws.empty() ? key.ca : key.jws;
    Contest contest;
    contest.add("raw C_Sign", [&] { return raw(label, key.type, connections); });
    if (key.jws.empty())
      contest.add("hubseald's signer, no socket", [&] { return sign_in_process(label, connections); });
    else
      contest.add("hubseald sign_jws", [&, line = sign_jws_line(label, kBytes)] {
        return repeat_line(rig_, "jws", line, connections, schedule_.time());
      });
    if (ssh_agent_)
      contest.add("ssh-agent",
                  [&] { return ssh_agent_->sign(label, key.type, kBytes, connections, schedule_.time()); });
    else
      contest.add_absent("ssh-agent", "not installed (openssh-client)");
    if (p11_kit_)
      contest.add("p11-kit server", [&] { return p11_kit_->sign(label, key.type, connections, schedule_.time()); });
    else
      contest.add_absent("p11-kit server", "not installed (p11-kit, p11-kit-modules)");
    finish(contest, what, connections);
  }

  Measurement sign_in_process(const std::string& label, unsigned threads) const {
    const auto signer = test::must(hsm::open_token(rig_.token().config()));
    const auto keys = test::must(signer->list_keys());
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.label == label; });
    return sign_through(*signer, *found, threads, schedule_.time());
  }

  void issue(const KeyKind& key, unsigned connections) {
    const std::string what = fmt::format("certify {}", to_string(key.type));
    if (!schedule_.wants(what, connections)) return;
    std::vector<std::string> csrs;  // of this round
    std::unique_ptr<CfsslServe> cfssl;
    if (CfsslServe::installed()) cfssl = std::make_unique<CfsslServe>(key.type);
    Contest contest;
    contest.add("raw C_Sign", [&] {
      const Measurement signatures = raw(key.ca, key.type, connections);
      csrs = make_csrs(signatures.per_second, schedule_.time());
      return signatures;
    });
    contest.add("hubseald issue_certificate", [&] {
      return send_once(rig_, "agent", issue_lines(key.ca, csrs, requests_), connections, schedule_.time());
    });
    if (cfssl)
      contest.add("cfssl serve, key in a file", [&] { return cfssl->issue(csrs, connections, schedule_.time()); });
    else
      contest.add_absent("cfssl serve", "not installed (golang-cfssl)");
    finish(contest, what, connections);
  }

  void finish(Contest& contest, const std::string& what, unsigned connections) {
    contest.run(schedule_.rounds);
    contest.print(what, connections);
    if (contest.failed()) all_took_part_ = false;
  }

  const Schedule schedule_;
  const std::vector<KeyKind> keys_ = {{KeyType::rsa_2048, "jws-rsa-2048", "ca-rsa-2048"},
                                      {KeyType::rsa_4096, "", "ca-rsa-4096"},
                                      {KeyType::ec_p256, "jws-p256", "ca-p256"}};
  test::Rig rig_;
  std::unique_ptr<SshAgent> ssh_agent_;
  std::unique_ptr<P11KitServer> p11_kit_;
  unsigned requests_ = 0;
  bool all_took_part_ = true;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"hubseald beside raw C_Sign, ssh-agent, p11-kit server and cfssl serve"};
  Schedule schedule{.seconds = 1, .rounds = 5, .only = {}};
  return run_benchmark(app, schedule, "sign ec_p256 32", argc, argv, [&] {
    if (!Comparison(schedule).run()) throw std::runtime_error("not everybody who is installed could take part");
  });
}
