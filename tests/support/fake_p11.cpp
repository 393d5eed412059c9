// fake_p11.so: a PKCS#11 module that passes every call on to a real one and does wrong what a script
// tells it to (fake_p11_script.h). In the environment:
//   FAKE_P11_MODULE   the real module
//   FAKE_P11_SCRIPT   the script; read again whenever the file changes
//   FAKE_P11_ENGINES  optional: a folder with a file for each engine of an HSM that the tokens of several processes
//   share:
//                     what is slow occupies one for as long
//   FAKE_P11_LOG      optional: each C_Initialize, C_Finalize and C_Login adds a line with its name, and each call that
//   is
//                     held one with "held" in front
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "common/unique_fd.h"
#include "hsm/pkcs11.h"
#include "tests/support/fake_p11_functions.h"
#include "tests/support/fake_p11_script.h"

namespace hubseal::test {
namespace {

/// What the script says about one call.
struct Verdict {
  std::optional<CK_RV> refuse;
  std::chrono::milliseconds delay{0};
  bool hold = false;
  bool flip = false;
  long length = 0;
  std::optional<CK_ULONG> claim;
  bool p384 = false;
  FakeScript script;
  unsigned long script_number = 0;
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
    verdict.script_number = scripts_;
    if (const auto code = script_.fault("fail", function, call)) verdict.refuse = static_cast<CK_RV>(*code);
    if (uses_session(function) && script_.absent) verdict.refuse = CKR_DEVICE_REMOVED;
    if (uses_session(function) && script_.dead && initialized_ == initialized_at_script_)
      verdict.refuse = *script_.dead;
    verdict.delay = std::chrono::milliseconds(script_.fault("slow", function, call).value_or(0));
    verdict.hold = script_.fault("hold", function, call).has_value();
    if (verdict.hold) write_log("held " + function);
    verdict.flip = script_.fault("flip", function, call).has_value();
    verdict.p384 = script_.fault("curve", function, call) == 384;
    verdict.length = script_.fault("length", function, call).value_or(0);
    if (const auto claim = script_.fault("claim", function, call)) verdict.claim = static_cast<CK_ULONG>(*claim);
    return verdict;
  }

  /// Returns when there is another script than the `number`th.
  void await_script_after(unsigned long number) {
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
      const std::lock_guard lock(mutex_);
      reread_script();
      if (scripts_ != number || !std::getenv("FAKE_P11_SCRIPT")) return;
    }
  }

  unsigned long calls(const std::string& function) {
    const std::lock_guard lock(mutex_);
    return total_[function];
  }

 private:
  static bool uses_session(const std::string& function) {
    static const std::set<std::string> without = {"C_Initialize",       "C_Finalize",         "C_GetInfo",
                                                  "C_GetSlotList",      "C_GetSlotInfo",      "C_GetTokenInfo",
                                                  "C_InitToken",        "C_GetMechanismList", "C_GetMechanismInfo",
                                                  "C_CloseAllSessions", "C_WaitForSlotEvent"};
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
    ++scripts_;
    initialized_at_script_ = initialized_;
  }

  static void log(const std::string& function) {
    if (function == "C_Initialize" || function == "C_Finalize" || function == "C_Login") write_log(function);
  }
  static void write_log(const std::string& line) {
    if (const char* path = std::getenv("FAKE_P11_LOG")) std::ofstream(path, std::ios::app) << line << "\n";
  }

  std::mutex mutex_;
  FakeScript script_;
  unsigned long scripts_ = 0;
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

/// The file of an engine that is free, or of the one whose turn it is; locked until it is closed.
UniqueFd take_engine(const std::filesystem::path& folder) {
  static const std::vector<std::filesystem::path> engines{std::filesystem::directory_iterator(folder), {}};
  static std::atomic<std::size_t> turn = static_cast<std::size_t>(::getpid());
  const std::size_t first = turn++;
  for (std::size_t n = 0; n <= engines.size(); ++n) {
    UniqueFd engine(::open(engines[(first + n) % engines.size()].c_str(), O_RDWR | O_CLOEXEC));
    if (::flock(engine.get(), n < engines.size() ? LOCK_EX | LOCK_NB : LOCK_EX) == 0) return engine;
  }
  return {};
}

void be_slow(std::chrono::milliseconds delay) {
  if (delay.count() == 0) return;
  const char* engines = std::getenv("FAKE_P11_ENGINES");
  const UniqueFd engine = engines ? take_engine(engines) : UniqueFd();
  std::this_thread::sleep_for(delay);
}

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
    if (verdict.claim) attributes[i].ulValueLen = *verdict.claim;
    attributes[i].ulValueLen += static_cast<CK_ULONG>(verdict.length);
  }
}

/// Handles that are claimed and not there are void ones, as far as there is room for them.
void twist_objects(const Verdict& verdict, CK_OBJECT_HANDLE* objects, CK_ULONG room, CK_ULONG* count) {
  if (!verdict.claim) return;
  for (CK_ULONG i = *count; i < std::min(room, *verdict.claim); ++i) objects[i] = CK_INVALID_HANDLE;
  *count = *verdict.claim;
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

void claim_count(const Verdict& verdict, CK_ULONG* count) {
  if (verdict.claim) *count = *verdict.claim;
}

void replace_curve(CK_ATTRIBUTE* attributes, CK_ULONG count) {
  static CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};  // secp384r1
  for (CK_ULONG i = 0; i < count; ++i)
    if (attributes[i].type == CKA_EC_PARAMS) attributes[i] = {CKA_EC_PARAMS, p384, sizeof p384};
}

template <Name kName, class Arguments>
CK_RV twist(const Verdict& verdict, Arguments& arguments) {
  if constexpr (kName == "C_Sign") twist_signature(verdict, std::get<3>(arguments), std::get<4>(arguments));
  if constexpr (kName == "C_GetAttributeValue")
    twist_attributes(verdict, std::get<2>(arguments), std::get<3>(arguments));
  if constexpr (kName == "C_FindObjects")
    twist_objects(verdict, std::get<1>(arguments), std::get<2>(arguments), std::get<3>(arguments));
  if constexpr (kName == "C_GetMechanismList") hide_mechanisms(verdict, std::get<1>(arguments), std::get<2>(arguments));
  if constexpr (kName == "C_GetSlotList") renumber_slots(verdict, std::get<1>(arguments), std::get<2>(arguments));
  if constexpr (kName == "C_GetMechanismList" || kName == "C_GetSlotList") claim_count(verdict, std::get<2>(arguments));
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
    if (verdict.hold) fake().await_script_after(verdict.script_number);
    be_slow(verdict.delay);
    if (verdict.refuse) return *verdict.refuse;
    std::tuple<Args...> arguments(args...);
    if constexpr (takes_slot<kName>()) std::get<0>(arguments) ^= verdict.script.renumber;
    if constexpr (kName == "C_GenerateKeyPair")
      if (verdict.p384) replace_curve(std::get<2>(arguments), std::get<3>(arguments));
    const auto real = fake().real->*kMember;
    if (!real) return CKR_FUNCTION_NOT_SUPPORTED;
    const CK_RV value = std::apply(real, arguments);
    return value == CKR_OK ? twist<kName>(verdict, arguments) : value;
  }
};

CK_FUNCTION_LIST make_list(const CK_FUNCTION_LIST& real) {
  CK_FUNCTION_LIST list = real;
  for_each_function([&list]<Name kName, auto kMember>() {
    list.*kMember = &Hook<kMember, kName, std::remove_reference_t<decltype(list.*kMember)>>::call;
  });
  list.C_GetFunctionList = &C_GetFunctionList;
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
