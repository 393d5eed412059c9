/// What the long run asks of hubseald: every operation, those that must be refused too.
#pragma once

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/guarded.h"
#include "tests/integration/soak/ask.h"
#include "tests/integration/soak/consent.h"
#include "tests/integration/soak/lives.h"

namespace hubseal::test {

/// What all clients of one run share.
/// Threads: share it freely.
class Soak {
 public:
  // Keys made during the run, 40 in all; finding keys gets slower with each.
  static constexpr unsigned kMaxJwsKeys = 20, kMaxCsrs = 12, kMaxCas = 8;

  /// A request for a client on this socket ("agent", "jws", "admin" or "audit").
  Ask next(const std::string& socket, std::mt19937& random);
  /// Notes the answer; what is not as expected becomes a problem.
  void judge(const Ask& ask, std::string_view reply);
  void fault(const std::string& problem);
  const Consent& consent() const { return consent_; }
  /// Whose certificates are asked about, PEM. Before the first `next`.
  void set_ca(const std::string& pem) { ca_ = pem; }

  std::map<std::string, std::size_t> counts() { return state_.lock()->counts; }
  std::vector<std::string> problems() { return state_.lock()->problems; }
  /// Answers that the audit log must hold, by its `event` and `result`.
  std::map<std::string, std::size_t> recorded() { return state_.lock()->recorded; }
  /// Operations of docs/PROTOCOL.md that have not succeeded once.
  std::vector<std::string> left_out();

 private:
  struct Issued {
    std::string socket, request, csr;
    std::string serial;  ///< empty while nobody has seen the answer
  };
  Issued any_issued(std::mt19937& random);
  Ask issue(const std::string& socket);
  Ask issue_again(const std::string& socket, std::mt19937& random);
  Ask get_certificate(std::mt19937& random);
  Ask ask_status(std::mt19937& random);
  Ask make_key();
  Ask make_csr_key();
  Ask make_ca();
  Ask administer(std::mt19937& random);
  Ask audit(std::mt19937& random);
  Ask suspend_or_resume();
  Ask hold_or_release(std::mt19937& random);
  bool held_once(const std::string& serial);
  void remember(const std::string& request, const std::string& serial);

  enum class Stop { active, on_its_way, stopped };

  struct State {
    std::vector<Issued> issued;
    std::vector<std::string> on_hold;  ///< serials that the next one releases
    Stop stop = Stop::active;          ///< of the participant that is suspended and resumed
    std::set<std::string> held;        ///< all that ever were; a hundred or so a minute
    std::vector<std::string> ca_keys;  ///< made, and no CA has them yet
    std::map<std::string, std::size_t> counts, recorded;
    std::vector<std::string> problems;
  };
  Guarded<State> state_;
  Consent consent_;
  Lives lives_;
  std::string ca_;  // PEM; written before the clients start
  std::atomic<unsigned> requests_{0}, keys_{0}, csrs_{0}, cas_{0};
};

}  // namespace hubseal::test
