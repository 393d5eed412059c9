/// The one error model: what a client or an operator can cause comes back as Result<T>.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace hubseal {

/// Why something was refused. Enumerators are spelled as they travel on the wire
/// (docs/PROTOCOL.md, "Errors"); REST statuses and CLI exit codes follow from them.
enum class Code {
  bad_request,          ///< undecodable, not what it claims to be, no proof of possession
  too_large,            ///< over a cap
  forbidden,            ///< no permission, or no such operation or key for this peer
  not_found,            ///< no such certificate, CA, approval
  conflict,             ///< a name or key that exists or belongs to another
  policy_denied,        ///< the profile says no
  approval_required,    ///< recorded and waiting
  hsm_busy,             ///< no session came free before the deadline
  rate_limited,         ///< too many connections or requests
  hsm_unavailable,      ///< token gone, login refused, key quarantined
  storage_unavailable,  ///< registry or audit log cannot be written: nothing is signed
  sealed,               ///< somebody stopped all signing
  internal,             ///< an invariant is broken; the log has the story
};

std::string_view to_string(Code code);

struct Error {
  Code code = Code::internal;
  std::string message;   ///< names the thing, what was found, what was wanted; never a secret
  std::string approval;  ///< with approval_required: what waits ("a-17")
};

template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Code code, std::string message) {
  return tl::unexpected(Error{.code = code, .message = std::move(message), .approval = {}});
}

namespace detail {
template <class T>
T take(Result<T>&& result) {
  return std::move(*result);
}
inline void take(Result<void>&&) {}
}  // namespace detail

}  // namespace hubseal

/// Yields the value of a Result, or returns its error from the enclosing function:
///   const Csr csr = TRY(Csr::parse(pem));
/// A statement expression (GCC and Clang), because the value must be usable in place. Not inside a
/// braced initialiser: leaving one half-way does not destroy what it has built so far (GCC).
#define TRY(expression) TRY_NAMED(expression, __COUNTER__)

// The counter gives each use a variable of its own, so that one TRY may stand inside another.
#define TRY_NAMED(expression, number) TRY_PASTE(expression, number)
#define TRY_PASTE(expression, number) TRY_AS(expression, try_result_##number)
// NOLINTBEGIN(bugprone-macro-parentheses): `result` is a name that is declared, not a value.
#define TRY_AS(expression, result)                                          \
  __extension__({                                                           \
    auto result = (expression);                                             \
    if (!result) [[unlikely]]                                               \
      return ::tl::unexpected<::hubseal::Error>(std::move(result).error()); \
    ::hubseal::detail::take(std::move(result));                             \
  })
// NOLINTEND(bugprone-macro-parentheses)
