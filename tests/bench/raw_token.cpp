#include "tests/bench/raw_token.h"

#include <dlfcn.h>
#include <sys/resource.h>

#include <mutex>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "hsm/object.h"

namespace hubseal::bench {
namespace {

using Clock = std::chrono::steady_clock;

void require(CK_RV value, const char* call) {
  if (value != CKR_OK) throw std::runtime_error(fmt::format("{}: 0x{:x}", call, value));
}

double thread_cpu_us() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

CK_OBJECT_HANDLE find_private_key(CK_FUNCTION_LIST* functions, CK_SESSION_HANDLE session, const std::string& label) {
  static const CK_ULONG kPrivate = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE wanted[] = {hsm::attribute(CKA_CLASS, kPrivate), hsm::attribute(CKA_LABEL, as_bytes(label))};
  CK_OBJECT_HANDLE key = 0;
  CK_ULONG found = 0;
  require(functions->C_FindObjectsInit(session, wanted, 2), "C_FindObjectsInit");
  require(functions->C_FindObjects(session, &key, 1, &found), "C_FindObjects");
  require(functions->C_FindObjectsFinal(session), "C_FindObjectsFinal");
  if (found != 1) throw std::runtime_error("no private key " + label);
  return key;
}

}  // namespace

RawToken::RawToken(const std::filesystem::path& module, const std::string& label, const std::string& pin) {
  void* object = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  const auto get = object ? reinterpret_cast<CK_C_GetFunctionList>(::dlsym(object, "C_GetFunctionList")) : nullptr;
  if (!get || get(&functions_) != CKR_OK) throw std::runtime_error("no PKCS#11 module " + module.string());
  CK_C_INITIALIZE_ARGS threads{};
  threads.flags = CKF_OS_LOCKING_OK;
  require(functions_->C_Initialize(&threads), "C_Initialize");
  CK_ULONG count = 16;
  CK_SLOT_ID slots[16];
  require(functions_->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    require(functions_->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
    const std::string_view found(reinterpret_cast<char*>(info.label), sizeof info.label);
    if (found.substr(0, found.find_last_not_of(' ') + 1) == label) slot_ = slots[i];
  }
  require(functions_->C_OpenSession(slot_, CKF_SERIAL_SESSION, nullptr, nullptr, &anchor_), "C_OpenSession");
  std::string pin_bytes = pin;
  require(functions_->C_Login(anchor_, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin_bytes.data()), pin.size()),
          "C_Login");
}

RawToken::~RawToken() { functions_->C_Finalize(nullptr); }

Measurement RawToken::sign(const std::string& key_label, KeyType type, unsigned threads, Seconds time) {
  const CK_OBJECT_HANDLE key = find_private_key(functions_, anchor_, key_label);
  std::mutex mutex;
  Measurement total;
  double cpu_us = 0;
  std::string problem;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(time);
  const auto loop = [&] {
    CK_SESSION_HANDLE session = 0;
    require(functions_->C_OpenSession(slot_, CKF_SERIAL_SESSION, nullptr, nullptr, &session), "C_OpenSession");
    CK_MECHANISM mechanism{is_rsa(type) ? CKM_RSA_PKCS : CKM_ECDSA, nullptr, 0};
    CK_BYTE input[51] = {0x30, 0x31};  // as long as a DigestInfo of SHA-256
    std::vector<double> latencies;
    const double cpu_before = thread_cpu_us();
    auto now = Clock::now();
    do {  // once at least, as in run_threads
      CK_BYTE signature[512];
      CK_ULONG size = sizeof signature;
      require(functions_->C_SignInit(session, &mechanism, key), "C_SignInit");
      require(functions_->C_Sign(session, input, is_rsa(type) ? 51 : 32, signature, &size), "C_Sign");
      const auto after = Clock::now();
      latencies.push_back(std::chrono::duration<double, std::micro>(after - now).count());
      now = after;
    } while (now < end);
    const std::lock_guard lock(mutex);
    cpu_us += thread_cpu_us() - cpu_before;
    total.latencies_us.insert(total.latencies_us.end(), latencies.begin(), latencies.end());
    functions_->C_CloseSession(session);
  };
  std::vector<std::jthread> running;
  for (unsigned i = 0; i < threads; ++i)
    running.emplace_back([&] {
      try {
        loop();
      } catch (const std::exception& fault) {
        const std::lock_guard lock(mutex);
        problem = fault.what();
      }
    });
  running.clear();
  if (!problem.empty()) throw std::runtime_error(problem);
  const auto count = static_cast<double>(total.latencies_us.size());
  total.per_second = count / std::chrono::duration<double>(Clock::now() - start).count();
  total.cpu_us = cpu_us / count;
  return total;
}

}  // namespace hubseal::bench
