#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/guarded.h"
#include "daemon/ca/ocsp.h"

namespace hubseal::daemon {

/// An OCSP answer that is given again, to everybody who asks the same.
struct KeptAnswer {
  std::string ca;
  ca::OcspCertId id;
  Bytes response;
  std::string said;      ///< in words: another status is another answer
  std::string delegate;  ///< serial of who signed it
  TimePoint renew_at{};  ///< from then on another is signed, if it is asked for
  TimePoint until{};     ///< its nextUpdate
  bool asked = false;    ///< since it was signed
};

/// The answers that are kept, by CertID. Threads: share it freely.
class KeptAnswers {
 public:
  static constexpr std::size_t kMost = 10'000;

  /// Whoever finds it has asked for it.
  std::optional<KeptAnswer> find(const Bytes& id);
  /// In place of what is there. No more than kMost: what is too much is given once and not again.
  void keep(KeptAnswer answer);
  /// At most so many that were asked for and are to be renewed, the oldest first. Forgets those that are over.
  std::vector<KeptAnswer> due(TimePoint now, std::size_t most);

 private:
  Guarded<std::map<Bytes, KeptAnswer>> answers_;
};

}  // namespace hubseal::daemon
