#include "hsm/return_code.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace hubseal::hsm {
namespace {

constexpr ReturnCode kUnknown{0, "unknown CKR", Cause::device, "the token gave a code that PKCS#11 does not define"};

constexpr bool kPinUntested = true;

// Grouped by cause; what is not listed is kUnknown. kPinUntested is for what the standard defines as found before
// anything else is done, or as the end of the session: a cancelled call or a code that has no business with
// C_Login is not that, whatever its cause.
constexpr ReturnCode kCodes[] = {
    {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", Cause::caller, "the token refuses the arguments"},
    {CKR_ATTRIBUTE_READ_ONLY, "CKR_ATTRIBUTE_READ_ONLY", Cause::caller, "the token does not let this attribute be set"},
    {CKR_ATTRIBUTE_SENSITIVE, "CKR_ATTRIBUTE_SENSITIVE", Cause::caller, "the token does not reveal this attribute"},
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID", Cause::caller, "the token does not know an attribute"},
    {CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID", Cause::caller,
     "the token refuses the value of an attribute"},
    {CKR_ACTION_PROHIBITED, "CKR_ACTION_PROHIBITED", Cause::caller, "the token's policy prohibits this"},
    {CKR_BUFFER_TOO_SMALL, "CKR_BUFFER_TOO_SMALL", Cause::caller, "the token's answer is longer than it can be"},
    {CKR_CURVE_NOT_SUPPORTED, "CKR_CURVE_NOT_SUPPORTED", Cause::caller, "the token does not know this curve"},
    {CKR_DATA_INVALID, "CKR_DATA_INVALID", Cause::caller, "the token refuses the data to sign"},
    {CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE", Cause::caller, "the token refuses the length of the data to sign"},
    {CKR_DOMAIN_PARAMS_INVALID, "CKR_DOMAIN_PARAMS_INVALID", Cause::caller, "the token does not know this curve"},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", Cause::caller, "the token does not offer this function"},
    {CKR_FUNCTION_REJECTED, "CKR_FUNCTION_REJECTED", Cause::caller, "the token's user rejected the request"},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED", Cause::caller,
     "the key's attributes do not permit this"},
    {CKR_KEY_SIZE_RANGE, "CKR_KEY_SIZE_RANGE", Cause::caller, "the token does not do keys of this size"},
    {CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT", Cause::caller, "the key is not of the mechanism's kind"},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", Cause::caller, "the token does not offer this mechanism"},
    {CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID", Cause::caller,
     "the token refuses the mechanism's parameters"},
    {CKR_SESSION_READ_ONLY, "CKR_SESSION_READ_ONLY", Cause::caller, "the session may only read"},
    {CKR_TEMPLATE_INCOMPLETE, "CKR_TEMPLATE_INCOMPLETE", Cause::caller, "the token wants more attributes"},
    {CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT", Cause::caller, "the token finds attributes contradictory"},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED", Cause::caller, "the token is write-protected"},

    {CKR_SESSION_COUNT, "CKR_SESSION_COUNT", Cause::busy, "the token has no session left", kPinUntested},
    {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", Cause::busy, "the token's memory is full", kPinUntested},
    {CKR_FUNCTION_CANCELED, "CKR_FUNCTION_CANCELED", Cause::busy, "the token cancelled the request"},
    {CKR_CANCEL, "CKR_CANCEL", Cause::busy, "the token cancelled the request"},
    {CKR_OPERATION_ACTIVE, "CKR_OPERATION_ACTIVE", Cause::busy, "the session is in the middle of something else",
     kPinUntested},
    {CKR_OPERATION_NOT_INITIALIZED, "CKR_OPERATION_NOT_INITIALIZED", Cause::busy,
     "the session has forgotten what was begun"},

    {CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED", Cause::session_lost, "the session was closed", kPinUntested},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", Cause::session_lost, "the session is no longer valid",
     kPinUntested},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN", Cause::session_lost, "the login is lost"},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID", Cause::session_lost, "the key's handle is no longer valid"},
    {CKR_KEY_CHANGED, "CKR_KEY_CHANGED", Cause::session_lost, "the key behind the handle is another one"},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", Cause::session_lost,
     "the object's handle is no longer valid"},
    {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED", Cause::session_lost, "the module is not initialised",
     kPinUntested},

    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", Cause::token_gone, "the token was removed", kPinUntested},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", Cause::token_gone, "there is no token in the slot", kPinUntested},
    {CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", Cause::token_gone, "the module does not recognise the token",
     kPinUntested},
    {CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID", Cause::token_gone, "the slot no longer exists", kPinUntested},

    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", Cause::device, "the device failed"},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", Cause::device, "the module failed and does not say why"},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", Cause::device, "the module could not do it and does not say why"},

    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", Cause::pin, "the PIN is wrong"},
    {CKR_PIN_INVALID, "CKR_PIN_INVALID", Cause::pin, "the PIN has characters that the token does not take"},
    {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", Cause::pin, "the PIN is too short or too long"},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", Cause::pin, "the PIN has expired and must be changed"},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", Cause::pin, "the PIN is locked; the security officer can unlock it"},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", Cause::pin, "the token has no user PIN yet"},
    {CKR_USER_TYPE_INVALID, "CKR_USER_TYPE_INVALID", Cause::pin, "the token has no such kind of user"},
    {CKR_USER_TOO_MANY_TYPES, "CKR_USER_TOO_MANY_TYPES", Cause::pin, "the token has other users logged in"},
    {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN", Cause::pin,
     "another user is logged in to the token"},
    {CKR_SESSION_READ_WRITE_SO_EXISTS, "CKR_SESSION_READ_WRITE_SO_EXISTS", Cause::pin,
     "the security officer is logged in to the token"},

    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY", Cause::host, "the module found no memory", kPinUntested},
    {CKR_CANT_LOCK, "CKR_CANT_LOCK", Cause::host, "the module cannot be used by several threads"},
    {CKR_NEED_TO_CREATE_THREADS, "CKR_NEED_TO_CREATE_THREADS", Cause::host, "the module needs threads of its own"},
    {CKR_MUTEX_BAD, "CKR_MUTEX_BAD", Cause::host, "a lock of the module is broken"},
    {CKR_MUTEX_NOT_LOCKED, "CKR_MUTEX_NOT_LOCKED", Cause::host, "a lock of the module is broken"},
    {CKR_FIPS_SELF_TEST_FAILED, "CKR_FIPS_SELF_TEST_FAILED", Cause::host, "the module failed its self-test"},
    {CKR_LIBRARY_LOAD_FAILED, "CKR_LIBRARY_LOAD_FAILED", Cause::host, "the module could not load a library it needs"},
    {CKR_CRYPTOKI_ALREADY_INITIALIZED, "CKR_CRYPTOKI_ALREADY_INITIALIZED", Cause::host,
     "the module is in use by another part of this process"},
};

Code code_for(Cause cause) {
  switch (cause) {
    case Cause::caller: return Code::bad_request;
    case Cause::busy: return Code::hsm_busy;
    case Cause::session_lost:
    case Cause::token_gone:
    case Cause::device:
    case Cause::pin:
    case Cause::host: return Code::hsm_unavailable;
  }
  return Code::hsm_unavailable;
}

}  // namespace

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::caller: return "caller";
    case Cause::busy: return "busy";
    case Cause::session_lost: return "session_lost";
    case Cause::token_gone: return "token_gone";
    case Cause::device: return "device";
    case Cause::pin: return "pin";
    case Cause::host: return "host";
  }
  return "device";
}

bool ends_generation(Cause cause) {
  switch (cause) {
    case Cause::caller:
    case Cause::busy: return false;
    case Cause::session_lost:
    case Cause::token_gone:
    case Cause::device:
    case Cause::pin:
    case Cause::host: return true;
  }
  return true;
}

const ReturnCode& explain(CK_RV value) {
  const auto* found = std::find_if(std::begin(kCodes), std::end(kCodes),
                                   [value](const ReturnCode& code) { return code.value == value; });
  return found == std::end(kCodes) ? kUnknown : *found;
}

Error to_error(CK_RV value, std::string_view call) {
  const ReturnCode& code = explain(value);
  return {code_for(code.cause), fmt::format("{}: {} ({}, 0x{:x})", call, code.sentence, code.name, value)};
}

}  // namespace hubseal::hsm
