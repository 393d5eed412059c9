/// What the long run asks of hubseald: every operation, those that must be refused too.
#pragma once

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "common/guarded.h"
#include "common/json.h"

namespace hubseal::test {

/// One request and the answer it must get: "ok", or the code of its refusal.
struct Ask {
  std::string what;  ///< for the report
  std::string line;  ///< with its line feed
  std::string expected;
  bool recorded = true;  ///< whether the audit log must hold it
  std::string request;   ///< of a first issue_certificate
};

/// What all clients of one run share.
/// Threads: share it freely.
class Soak {
 public:
  static constexpr unsigned kMaxKeys = 40;  ///< made during the run; finding keys gets slower with each

  /// A request for a client on this socket ("agent", "jws", "admin" or "audit").
  Ask next(const std::string& socket, std::mt19937& random);
  /// Notes the answer; what is not as expected becomes a problem.
  void judge(const Ask& ask, std::string_view reply);
  void fault(const std::string& problem);

  std::map<std::string, std::size_t> counts() { return state_.lock()->counts; }
  std::vector<std::string> problems() { return state_.lock()->problems; }
  /// Answers that the audit log must hold, by its `event` and `result`.
  std::map<std::string, std::size_t> recorded() { return state_.lock()->recorded; }

 private:
  struct Issued {
    std::string socket, request, csr;
    std::string serial;  ///< empty while nobody has seen the answer
  };
  Issued any_issued(std::mt19937& random);
  Ask issue(const std::string& socket);
  Ask issue_again(const std::string& socket, std::mt19937& random);
  Ask get_certificate(std::mt19937& random);
  Ask make_key();

  struct State {
    std::vector<Issued> issued;
    std::map<std::string, std::size_t> counts, recorded;
    std::vector<std::string> problems;
  };
  Guarded<State> state_;
  std::atomic<unsigned> requests_{0}, keys_{0};
};

}  // namespace hubseal::test
