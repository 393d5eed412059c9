// fake_p11.so: a PKCS#11 module that passes every call on to a real one and does wrong what a script
// tells it to (fake_p11_script.h). In the environment:
//   FAKE_P11_MODULE   the real module
//   FAKE_P11_SCRIPT   the script; read again whenever the file changes
//   FAKE_P11_LOG      optional: each C_Initialize, C_Finalize and C_Login adds a line with its name
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>
#include <tuple>

#include "hsm/pkcs11.h"
#include "tests/support/fake_p11_script.h"

namespace hubseal::test {
namespace {

/// What the script says about one call.
struct Verdict {
  std::optional<CK_RV> refuse;
  std::chrono::milliseconds delay{0};
  bool flip = false;
  long length = 0;
  FakeScript script;
};

class Fake {
 public:
  CK_FUNCTION_LIST* real = nullptr;

  Verdict judge(const std::string& function) {
    const std::lock_guard lock(mutex_);
    reread_script();
    const unsigned long call = ++since_script_[function];
    ++total_[function];
    if (function == "C_Initialize") ++initialized_;
    log(function);
    Verdict verdict;
    verdict.script = script_;
    if (const auto code = script_.fault("fail", function, call)) verdict.refuse = static_cast<CK_RV>(*code);
    if (uses_session(function) && script_.absent) verdict.refuse = CKR_DEVICE_REMOVED;
    if (uses_session(function) && script_.dead && initialized_ == initialized_at_script_)
      verdict.refuse = *script_.dead;
    verdict.delay = std::chrono::milliseconds(script_.fault("slow", function, call).value_or(0));
    verdict.flip = script_.fault("flip", function, call).has_value();
    verdict.length = script_.fault("length", function, call).value_or(0);
    return verdict;
  }

  unsigned long calls(const std::string& function) {
    const std::lock_guard lock(mutex_);
    return total_[function];
  }

 private:
  static bool uses_session(const std::string& function) {
    static const std::set<std::string> without = {
        "C_Initialize",   "C_Finalize",  "C_GetInfo",          "C_GetSlotList",      "C_GetSlotInfo",
        "C_GetTokenInfo", "C_InitToken", "C_GetMechanismList", "C_GetMechanismInfo", "C_CloseAllSessions"};
    return !without.contains(function);
  }

  void reread_script() {
    const char* path = std::getenv("FAKE_P11_SCRIPT");
    struct stat now {};
    if (!path || ::stat(path, &now) != 0) return;
    if (now.st_ino == read_.st_ino && now.st_mtim.tv_nsec == read_.st_mtim.tv_nsec &&
        now.st_mtim.tv_sec == read_.st_mtim.tv_sec && now.st_size == read_.st_size)
      return;
    read_ = now;
    std::ifstream file(path);
    script_ = FakeScript::parse(std::string(std::istreambuf_iterator<char>(file), {}));
    since_script_.clear();
    initialized_at_script_ = initialized_;
  }

  static void log(const std::string& function) {
    const char* path = std::getenv("FAKE_P11_LOG");
    if (!path || (function != "C_Initialize" && function != "C_Finalize" && function != "C_Login")) return;
    std::ofstream(path, std::ios::app) << function << "\n";
  }

  std::mutex mutex_;
  FakeScript script_;
  struct stat read_ {};
  std::map<std::string, unsigned long> since_script_;
  std::map<std::string, unsigned long> total_;
  unsigned long initialized_ = 0;
  unsigned long initialized_at_script_ = 0;
};

Fake& fake() {
  static Fake* const instance = new Fake;  // outlives every destructor that may still call in
  return *instance;
}

template <std::size_t N>
struct Name {
  char text[N];
  consteval Name(const char (&name)[N]) { std::copy_n(name, N, text); }
  constexpr bool operator==(std::string_view other) const { return other == std::string_view(text, N - 1); }
};

template <Name kName>
constexpr bool takes_slot() {
  return kName == "C_GetSlotInfo" || kName == "C_GetTokenInfo" || kName == "C_GetMechanismList" ||
         kName == "C_GetMechanismInfo" || kName == "C_InitToken" || kName == "C_OpenSession" ||
         kName == "C_CloseAllSessions";
}

void twist_signature(const Verdict& verdict, CK_BYTE* signature, CK_ULONG* size) {
  if (!signature || !size) return;
  if (verdict.flip) signature[*size / 2] ^= 1;
  *size = static_cast<CK_ULONG>(static_cast<long>(*size) + verdict.length);
}

/// PKCS#11 pads its texts with blanks.
template <class Character, std::size_t kSize>
void replace_text(Character (&field)[kSize], const std::string& text) {
  if (text.empty()) return;
  std::memset(field, ' ', kSize);
  std::memcpy(field, text.data(), std::min(kSize, text.size()));
}

void twist_token(const Verdict& verdict, CK_TOKEN_INFO& info) {
  info.flags |= verdict.script.flags;
  replace_text(info.serialNumber, verdict.script.serial);
  replace_text(info.manufacturerID, verdict.script.manufacturer);
}

void twist_attributes(const Verdict& verdict, CK_ATTRIBUTE* attributes, CK_ULONG count) {
  for (CK_ULONG i = 0; i < count; ++i) {
    const auto lie = verdict.script.attributes.find(attributes[i].type);
    if (lie != verdict.script.attributes.end() && attributes[i].pValue && attributes[i].ulValueLen == sizeof(CK_BBOOL))
      *static_cast<CK_BBOOL*>(attributes[i].pValue) = lie->second ? CK_TRUE : CK_FALSE;
  }
}

void hide_mechanisms(const Verdict& verdict, CK_MECHANISM_TYPE* types, CK_ULONG* count) {
  if (!types) return;
  CK_MECHANISM_TYPE* const end = std::remove_if(
      types, types + *count, [&](CK_MECHANISM_TYPE type) { return verdict.script.hidden.contains(type); });
  *count = static_cast<CK_ULONG>(end - types);
}

void renumber_slots(const Verdict& verdict, CK_SLOT_ID* slots, const CK_ULONG* count) {
  for (CK_ULONG i = 0; slots && i < *count; ++i) slots[i] ^= verdict.script.renumber;
}

template <Name kName, class Arguments>
CK_RV twist(const Verdict& verdict, Arguments& arguments) {
  if constexpr (kName == "C_Sign") twist_signature(verdict, std::get<3>(arguments), std::get<4>(arguments));
  if constexpr (kName == "C_GetAttributeValue")
    twist_attributes(verdict, std::get<2>(arguments), std::get<3>(arguments));
  if constexpr (kName == "C_GetMechanismList") hide_mechanisms(verdict, std::get<1>(arguments), std::get<2>(arguments));
  if constexpr (kName == "C_GetSlotList") renumber_slots(verdict, std::get<1>(arguments), std::get<2>(arguments));
  if constexpr (kName == "C_GetSlotInfo") {
    if (verdict.script.absent) std::get<1>(arguments)->flags &= ~static_cast<CK_FLAGS>(CKF_TOKEN_PRESENT);
  }
  if constexpr (kName == "C_GetTokenInfo") {
    if (verdict.script.absent) return CKR_TOKEN_NOT_PRESENT;
    twist_token(verdict, *std::get<1>(arguments));
  }
  return CKR_OK;
}

template <auto kMember, Name kName, class Function>
struct Hook;
template <auto kMember, Name kName, class... Args>
struct Hook<kMember, kName, CK_RV (*)(Args...)> {
  static CK_RV call(Args... args) {
    const Verdict verdict = fake().judge(kName.text);
    if (verdict.delay.count() != 0) std::this_thread::sleep_for(verdict.delay);
    if (verdict.refuse) return *verdict.refuse;
    std::tuple<Args...> arguments(args...);
    if constexpr (takes_slot<kName>()) std::get<0>(arguments) ^= verdict.script.renumber;
    const CK_RV value = std::apply(fake().real->*kMember, arguments);
    return value == CKR_OK ? twist<kName>(verdict, arguments) : value;
  }
};

template <Name kName, auto kMember>
void install(CK_FUNCTION_LIST& list) {
  list.*kMember = &Hook<kMember, kName, std::remove_reference_t<decltype(list.*kMember)>>::call;
}

CK_FUNCTION_LIST make_list(const CK_FUNCTION_LIST& real) {
  using List = CK_FUNCTION_LIST;
  List list = real;  // what we and libp11 do not call stays the real module's
  install<"C_Initialize", &List::C_Initialize>(list);
  install<"C_Finalize", &List::C_Finalize>(list);
  install<"C_GetInfo", &List::C_GetInfo>(list);
  install<"C_GetSlotList", &List::C_GetSlotList>(list);
  install<"C_GetSlotInfo", &List::C_GetSlotInfo>(list);
  install<"C_GetTokenInfo", &List::C_GetTokenInfo>(list);
  install<"C_GetMechanismList", &List::C_GetMechanismList>(list);
  install<"C_GetMechanismInfo", &List::C_GetMechanismInfo>(list);
  install<"C_InitToken", &List::C_InitToken>(list);
  install<"C_InitPIN", &List::C_InitPIN>(list);
  install<"C_OpenSession", &List::C_OpenSession>(list);
  install<"C_CloseSession", &List::C_CloseSession>(list);
  install<"C_CloseAllSessions", &List::C_CloseAllSessions>(list);
  install<"C_GetSessionInfo", &List::C_GetSessionInfo>(list);
  install<"C_Login", &List::C_Login>(list);
  install<"C_Logout", &List::C_Logout>(list);
  install<"C_CopyObject", &List::C_CopyObject>(list);
  install<"C_DestroyObject", &List::C_DestroyObject>(list);
  install<"C_GetAttributeValue", &List::C_GetAttributeValue>(list);
  install<"C_FindObjectsInit", &List::C_FindObjectsInit>(list);
  install<"C_FindObjects", &List::C_FindObjects>(list);
  install<"C_FindObjectsFinal", &List::C_FindObjectsFinal>(list);
  install<"C_SignInit", &List::C_SignInit>(list);
  install<"C_Sign", &List::C_Sign>(list);
  install<"C_GenerateKeyPair", &List::C_GenerateKeyPair>(list);
  return list;
}

CK_FUNCTION_LIST* load_real() {
  const char* path = std::getenv("FAKE_P11_MODULE");
  void* object = path ? ::dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : nullptr;
  const auto get = object ? reinterpret_cast<CK_C_GetFunctionList>(::dlsym(object, "C_GetFunctionList")) : nullptr;
  CK_FUNCTION_LIST* list = nullptr;
  return get && get(&list) == CKR_OK ? list : nullptr;
}

}  // namespace
}  // namespace hubseal::test

extern "C" {

/// How often the function was called since the module was loaded; for tests in the same process.
__attribute__((visibility("default"))) unsigned long fake_p11_calls(const char* function) {
  return hubseal::test::fake().calls(function);
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  using namespace hubseal::test;
  fake().real = load_real();
  if (!fake().real) return CKR_GENERAL_ERROR;
  static CK_FUNCTION_LIST hooked;
  hooked = make_list(*fake().real);
  *list = &hooked;
  return CKR_OK;
}
}
