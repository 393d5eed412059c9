#include "hsm/return_code.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace hubseal::hsm {
namespace {

struct Meaning {
  CK_RV value;
  std::string_view name;
  Cause cause;
};

// From the description of each code in PKCS #11 2.40 (section 5.1) and 3.0, not from the code under test.
constexpr Meaning kMeanings[] = {
    // The token works; it does not do what it was asked, and would not the next time either.
    {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", Cause::caller},
    {CKR_ATTRIBUTE_READ_ONLY, "CKR_ATTRIBUTE_READ_ONLY", Cause::caller},
    {CKR_ATTRIBUTE_SENSITIVE, "CKR_ATTRIBUTE_SENSITIVE", Cause::caller},
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID", Cause::caller},
    {CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID", Cause::caller},
    {CKR_ACTION_PROHIBITED, "CKR_ACTION_PROHIBITED", Cause::caller},
    {CKR_BUFFER_TOO_SMALL, "CKR_BUFFER_TOO_SMALL", Cause::caller},
    {CKR_CURVE_NOT_SUPPORTED, "CKR_CURVE_NOT_SUPPORTED", Cause::caller},
    {CKR_DATA_INVALID, "CKR_DATA_INVALID", Cause::caller},
    {CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE", Cause::caller},
    {CKR_DOMAIN_PARAMS_INVALID, "CKR_DOMAIN_PARAMS_INVALID", Cause::caller},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", Cause::caller},
    {CKR_FUNCTION_REJECTED, "CKR_FUNCTION_REJECTED", Cause::caller},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED", Cause::caller},
    {CKR_KEY_SIZE_RANGE, "CKR_KEY_SIZE_RANGE", Cause::caller},
    {CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT", Cause::caller},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", Cause::caller},
    {CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID", Cause::caller},
    {CKR_SESSION_READ_ONLY, "CKR_SESSION_READ_ONLY", Cause::caller},
    {CKR_TEMPLATE_INCOMPLETE, "CKR_TEMPLATE_INCOMPLETE", Cause::caller},
    {CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT", Cause::caller},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED", Cause::caller},
    // Nothing is lost: another session, or the same a little later, may do.
    {CKR_SESSION_COUNT, "CKR_SESSION_COUNT", Cause::busy},
    {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", Cause::busy},
    {CKR_FUNCTION_CANCELED, "CKR_FUNCTION_CANCELED", Cause::busy},
    {CKR_CANCEL, "CKR_CANCEL", Cause::busy},
    {CKR_OPERATION_ACTIVE, "CKR_OPERATION_ACTIVE", Cause::busy},
    {CKR_OPERATION_NOT_INITIALIZED, "CKR_OPERATION_NOT_INITIALIZED", Cause::busy},
    // A handle or the login is void: what the standard calls invalid after a session, a login or the module has ended.
    {CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED", Cause::session_lost},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", Cause::session_lost},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN", Cause::session_lost},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID", Cause::session_lost},
    {CKR_KEY_CHANGED, "CKR_KEY_CHANGED", Cause::session_lost},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", Cause::session_lost},
    {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED", Cause::session_lost},
    // Another token or none may be in the slot by now.
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", Cause::token_gone},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", Cause::token_gone},
    {CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", Cause::token_gone},
    {CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID", Cause::token_gone},
    // Broken, or silent about why.
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", Cause::device},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", Cause::device},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", Cause::device},
    // Answers to a login that are about who logs in and with what.
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", Cause::pin},
    {CKR_PIN_INVALID, "CKR_PIN_INVALID", Cause::pin},
    {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", Cause::pin},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", Cause::pin},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", Cause::pin},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", Cause::pin},
    {CKR_USER_TYPE_INVALID, "CKR_USER_TYPE_INVALID", Cause::pin},
    {CKR_USER_TOO_MANY_TYPES, "CKR_USER_TOO_MANY_TYPES", Cause::pin},
    {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN", Cause::pin},
    {CKR_SESSION_READ_WRITE_SO_EXISTS, "CKR_SESSION_READ_WRITE_SO_EXISTS", Cause::pin},
    // Nothing to do with the token: this process or its machine.
    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY", Cause::host},
    {CKR_CANT_LOCK, "CKR_CANT_LOCK", Cause::host},
    {CKR_NEED_TO_CREATE_THREADS, "CKR_NEED_TO_CREATE_THREADS", Cause::host},
    {CKR_MUTEX_BAD, "CKR_MUTEX_BAD", Cause::host},
    {CKR_MUTEX_NOT_LOCKED, "CKR_MUTEX_NOT_LOCKED", Cause::host},
    {CKR_FIPS_SELF_TEST_FAILED, "CKR_FIPS_SELF_TEST_FAILED", Cause::host},
    {CKR_LIBRARY_LOAD_FAILED, "CKR_LIBRARY_LOAD_FAILED", Cause::host},
    {CKR_CRYPTOKI_ALREADY_INITIALIZED, "CKR_CRYPTOKI_ALREADY_INITIALIZED", Cause::host},
};

/// Codes for what HubSeal never does (decrypting, wrapping, parallel functions, random numbers, the operation's state),
/// and one that is a success where it may come (CKR_USER_ALREADY_LOGGED_IN, hsm/login.cpp): elsewhere the token is out
/// of its mind.
constexpr CK_RV kOutOfPlace[] = {CKR_NO_EVENT,
                                 CKR_ENCRYPTED_DATA_INVALID,
                                 CKR_ENCRYPTED_DATA_LEN_RANGE,
                                 CKR_FUNCTION_NOT_PARALLEL,
                                 CKR_KEY_NOT_NEEDED,
                                 CKR_KEY_NEEDED,
                                 CKR_KEY_INDIGESTIBLE,
                                 CKR_KEY_NOT_WRAPPABLE,
                                 CKR_KEY_UNEXTRACTABLE,
                                 CKR_SESSION_PARALLEL_NOT_SUPPORTED,
                                 CKR_SESSION_EXISTS,
                                 CKR_SESSION_READ_ONLY_EXISTS,
                                 CKR_SIGNATURE_INVALID,
                                 CKR_SIGNATURE_LEN_RANGE,
                                 CKR_UNWRAPPING_KEY_HANDLE_INVALID,
                                 CKR_UNWRAPPING_KEY_SIZE_RANGE,
                                 CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
                                 CKR_USER_ALREADY_LOGGED_IN,
                                 CKR_WRAPPED_KEY_INVALID,
                                 CKR_WRAPPED_KEY_LEN_RANGE,
                                 CKR_WRAPPING_KEY_HANDLE_INVALID,
                                 CKR_WRAPPING_KEY_SIZE_RANGE,
                                 CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
                                 CKR_RANDOM_SEED_NOT_SUPPORTED,
                                 CKR_RANDOM_NO_RNG,
                                 CKR_SAVED_STATE_INVALID,
                                 CKR_INFORMATION_SENSITIVE,
                                 CKR_STATE_UNSAVEABLE,
                                 CKR_NEW_PIN_MODE,
                                 CKR_NEXT_OTP,
                                 CKR_EXCEEDED_MAX_ITERATIONS,
                                 CKR_PIN_TOO_WEAK,
                                 CKR_PUBLIC_KEY_INVALID};

const Meaning* find(CK_RV value) {
  const auto* const found = std::find_if(std::begin(kMeanings), std::end(kMeanings),
                                         [value](const Meaning& meaning) { return meaning.value == value; });
  return found == std::end(kMeanings) ? nullptr : found;
}

BOOST_AUTO_TEST_SUITE(return_codes)

BOOST_AUTO_TEST_CASE(each_code_has_the_cause_that_the_standard_gives_it) {
  for (const Meaning& meaning : kMeanings) {
    BOOST_TEST_CONTEXT(meaning.name) {
      BOOST_TEST(explain(meaning.value).value == meaning.value);
      BOOST_TEST(explain(meaning.value).name == meaning.name);
      BOOST_TEST(to_string(explain(meaning.value).cause) == to_string(meaning.cause));
      BOOST_TEST(!explain(meaning.value).sentence.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(every_other_code_counts_as_a_failed_device) {
  std::set<CK_RV> others(std::begin(kOutOfPlace), std::end(kOutOfPlace));
  for (CK_RV value = 0; value < 0x400; ++value) others.insert(value);
  for (const CK_RV vendor : {0UL, 1UL, 7UL, 0x7fffffffUL}) others.insert(CKR_VENDOR_DEFINED | vendor);
  others.insert(~CK_RV{0});
  for (const CK_RV value : others) {
    if (find(value)) continue;
    BOOST_TEST_CONTEXT(to_error(value, "C_Sign").message) {
      BOOST_TEST(to_string(explain(value).cause) == "device");
      BOOST_TEST(explain(value).name == "unknown CKR");
      BOOST_TEST((to_error(value, "C_Sign").code == Code::hsm_unavailable));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_cause_decides_who_is_told_what_and_whether_the_token_is_opened_anew) {
  const struct {
    Cause cause;
    Code code;
    bool ends;
  } wanted[] = {{Cause::caller, Code::bad_request, false},          {Cause::busy, Code::hsm_busy, false},
                {Cause::session_lost, Code::hsm_unavailable, true}, {Cause::token_gone, Code::hsm_unavailable, true},
                {Cause::device, Code::hsm_unavailable, true},       {Cause::pin, Code::hsm_unavailable, true},
                {Cause::host, Code::hsm_unavailable, true}};
  for (const auto& one : wanted) {
    BOOST_TEST_CONTEXT(to_string(one.cause)) {
      BOOST_TEST(ends_generation(one.cause) == one.ends);
      for (const Meaning& meaning : kMeanings)
        if (meaning.cause == one.cause) BOOST_TEST((to_error(meaning.value, "C_Sign").code == one.code), meaning.name);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_error_names_the_call_the_reason_and_the_code) {
  BOOST_TEST(to_error(CKR_DEVICE_REMOVED, "C_Sign").message ==
             "C_Sign: the token was removed (CKR_DEVICE_REMOVED, 0x32)");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
