/// One fault at a time, everywhere: each function of the module fails at its first, second, third and last call on each
/// of the ways that a Signer goes, with a code of each cause. Whatever comes of it is an answer: an error or what was
/// asked for, no crash, no hang, no wrong signature; and when the fault is gone everything works again.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>

#include "tests/support/fake_p11_functions.h"
#include "tests/support/fake_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;

constexpr unsigned long kCalls = 3;

/// One of each Cause.
constexpr CK_RV kCodes[] = {CKR_ARGUMENTS_BAD,  CKR_SESSION_COUNT, CKR_SESSION_HANDLE_INVALID,
                            CKR_DEVICE_REMOVED, CKR_DEVICE_ERROR,  CKR_PIN_LEN_RANGE,
                            CKR_HOST_MEMORY};

TokenConfig config_of(const FakeToken& token) {
  TokenConfig config = token.config();
  config.sessions = 2;
  config.session_copies = true;
  config.retry_first = config.retry_last = std::chrono::milliseconds(0);
  return config;
}

template <class T>
bool is_answer(const Result<T>& result) {
  return result || result.error().code != Code::internal;
}

/// A Signer on a token, a key that it made, and a fault that comes and goes.
struct Way {
  FakeToken token;
  std::unique_ptr<Signer> signer;
  std::optional<KeyInfo> key;
  int labels = 0;

  void open() {
    signer.reset();
    auto opened = open_token(config_of(token));
    BOOST_TEST(is_answer(opened));
    if (opened) signer = std::move(*opened);
  }
  void generate() {
    if (!signer) return;
    auto made = signer->generate_key(KeyType::ec_p256, fmt::format("key {}", ++labels));
    BOOST_TEST(is_answer(made));
    if (made) key = *made;
  }
  void sign() {
    if (!signer || !key) return;
    const auto signature = signer->sign(key->id, SignatureAlgorithm::ecdsa_sha256, as_bytes("x"));
    BOOST_TEST(is_answer(signature));
    if (signature)
      BOOST_TEST(verify_signature(x509::public_key_from_spki(key->spki)->get(), SignatureAlgorithm::ecdsa_sha256,
                                  as_bytes("x"), *signature));
  }
  /// Without any fault.
  void everything_works() {
    token.script("");
    // A PIN that was refused, or perhaps refused, is not sent again by this Signer.
    if (!signer || contains(signer->status().problem, "not sent again")) open();
    BOOST_REQUIRE(signer);
    if (!key) generate();
    BOOST_REQUIRE(key);
    BOOST_TEST(signs(*signer, *key));
    BOOST_TEST(signer->prove_key(key->id).has_value());
    BOOST_TEST(signer->status().ready);
  }
};

struct Step {
  std::string_view name;
  std::string_view script;  ///< what is wrong beside the fault
  void (*prepare)(Way&);
  void (*go)(Way&);
};

const Step kSteps[] = {
    {"from the start to a signature", "", [](Way&) {},
     [](Way& way) {
       way.key.reset();
       way.open();
       way.generate();
       way.sign();
     }},
    {"back after a loss", "dead 0x32\n", [](Way& way) { way.everything_works(); }, [](Way& way) { way.sign(); }},
    {"a key that reads back wrong", "attribute 0x163 0\n", [](Way& way) { way.everything_works(); },
     [](Way& way) {
       const auto made = way.signer->generate_key(KeyType::ec_p256, fmt::format("key {}", ++way.labels));
       BOOST_TEST(!made);
       BOOST_TEST(is_answer(made));
     }},
};

using Counts = std::map<std::string, unsigned long>;

Counts counts(const FakeToken& token) {
  Counts counts;
  for (const std::string& function : test::function_names()) counts[function] = token.calls(function);
  return counts;
}

/// How often each function is called on the way when it does not fail.
Counts calls_of(const Step& step) {
  Way way;
  step.prepare(way);
  way.token.script(step.script);
  const Counts before = counts(way.token);
  step.go(way);
  Counts calls = counts(way.token);
  for (auto& [function, count] : calls) count -= before.at(function);
  return calls;
}

void fail_each_call(const Step& step, const std::string& function, unsigned long calls) {
  Way way;
  for (unsigned long call = 1; call <= calls; ++call) {
    if (call > kCalls && call != calls) continue;
    for (const CK_RV code : kCodes) {
      const std::string fault = fmt::format("fail {} {} 0x{:x}\n", function, call, code);
      BOOST_TEST_CONTEXT(step.name << ": " << fault) {
        step.prepare(way);
        way.token.script(std::string(step.script) + fault);
        step.go(way);
        way.everything_works();
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE(one_fault_anywhere)

BOOST_AUTO_TEST_CASE(each_function_may_fail_at_any_call_and_all_is_well_when_the_fault_is_gone) {
  std::set<std::string> failed;
  for (const Step& step : kSteps) {
    const Counts calls = calls_of(step);
    for (const std::string& function : test::function_names()) {
      if (calls.at(function) == 0) continue;  // it could not be noticed
      failed.insert(function);
      fail_each_call(step, function, calls.at(function));
    }
  }
  // What hsm/ calls itself was among them.
  for (const char* function :
       {"C_CloseSession", "C_CopyObject", "C_DestroyObject", "C_FindObjects", "C_FindObjectsFinal", "C_FindObjectsInit",
        "C_GenerateKeyPair", "C_GetAttributeValue", "C_GetMechanismInfo", "C_GetMechanismList", "C_Initialize",
        "C_Finalize", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo", "C_Login", "C_OpenSession", "C_Sign",
        "C_SignInit"})
    BOOST_TEST(failed.contains(function), function);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
