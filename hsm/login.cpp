#include "hsm/login.h"

#include <fmt/format.h>

#include "common/log.h"
#include "hsm/login_marker.h"

namespace hubseal::hsm {
namespace {

Result<> may_try(const Token& token) {
  const auto refuse = [&token](std::string_view why) {
    return fail(Code::hsm_unavailable,
                fmt::format("login to token {} not tried: {}", log::printable(token.label, 32), why));
  };
  if (token.pin_locked)
    return refuse("its PIN is locked (CKF_USER_PIN_LOCKED); the security officer can set a new one");
  if (token.pin_final_try)
    return refuse(
        "one more wrong PIN locks it (CKF_USER_PIN_FINAL_TRY); log in once with the vendor's tool to clear this "
        "(docs/OPERATIONS.md, section 9, has the command for pkcs11-tool)");
  if (token.pin_count_low)
    return refuse(
        "somebody gave a wrong PIN since the last login (CKF_USER_PIN_COUNT_LOW); find out who, then log in once with "
        "the vendor's tool to clear this: a right PIN in the PIN file alone does not (docs/OPERATIONS.md, section 9, "
        "has the "
        "command for pkcs11-tool)");
  if (!token.user_pin_set) return refuse("it has no user PIN yet");
  return {};
}

}  // namespace

// Why not PKCS11_login: libp11 keeps a copy of the PIN for as long as it knows the slot, to log in
// again behind our back. Here the PIN is in memory only while its marker is written and C_Login runs.
Result<> Login::log_in(Cryptoki& cryptoki, CK_SESSION_HANDLE session, const Token& token) {
  const std::lock_guard one_at_a_time(logging_in_);
  if (const auto before = refused()) return tl::unexpected(*before);
  TRY(may_try(token));
  const LoginMarker marker = TRY(LoginMarker::check(config_, token));

  CK_RV value = CKR_OK;
  {
    SecretBytes pin = TRY(config_.read_pin());
    TRY(marker.place());
    value = cryptoki->C_Login(session, CKU_USER, pin.bytes().data(), static_cast<CK_ULONG>(pin.size()));
  }
  // Somebody in this process uses the same module; the token is ours to use all the same.
  const bool logged_in = value == CKR_OK || value == CKR_USER_ALREADY_LOGGED_IN;
  if (logged_in || explain(value).pin_untested) marker.remove();
  if (logged_in) return {};
  Error error = cryptoki.note(value, "C_Login");
  if (explain(value).pin_untested) return tl::unexpected(error);
  error = {Code::hsm_unavailable, fmt::format("{}; the PIN is not sent again: {}", error.message, marker.advice())};
  *refused_.lock() = error;
  log::error("login refused", {{"token", token.label}, {"reason", error.message}});
  return tl::unexpected(error);
}

}  // namespace hubseal::hsm
