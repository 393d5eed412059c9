#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace hubseal::daemon {

/// What is counted, and for whom.
enum class QuotaKind {
  uid,        ///< requests of a user that sign or change something
  subject,    ///< certificates asked for a participant, by programs or by people; the register's unknown share one
  key,        ///< signatures asked of a key
  keys_made,  ///< keys that a user has made
  refusals,   ///< refusals of a user that are recorded one by one
  ocsp,       ///< OCSP responses signed for a CA that are kept and given again
  ocsp_once,  ///< those that answer one question only: with a nonce, say
  profile,    ///< certificates of one profile asked for a participant; the limit is the profile's
};
constexpr std::array<std::pair<std::string_view, QuotaKind>, 8> kQuotaKinds = {{{"uid", QuotaKind::uid},
                                                                                {"subject", QuotaKind::subject},
                                                                                {"key", QuotaKind::key},
                                                                                {"keys_made", QuotaKind::keys_made},
                                                                                {"refusals", QuotaKind::refusals},
                                                                                {"ocsp", QuotaKind::ocsp},
                                                                                {"ocsp_once", QuotaKind::ocsp_once},
                                                                                {"profile", QuotaKind::profile}}};
/// Those of which each policy.toml has a limit.
constexpr auto kPolicyQuotas = std::span(kQuotaKinds).first<7>();
std::string_view to_string(QuotaKind kind);

/// A bucket of tokens: `burst` of them at once, and `refill` more in every `refill_time`, evenly.
struct Quota {
  bool unlimited = false;
  std::int64_t burst = 0;
  std::int64_t refill = 0;
  std::chrono::seconds refill_time{1};

  /// Tokens a second.
  double rate() const { return static_cast<double>(refill) / static_cast<double>(refill_time.count()); }
};

/// One for each of kPolicyQuotas, in its order.
using QuotaLimits = std::array<Quota, kPolicyQuotas.size()>;

}  // namespace hubseal::daemon
