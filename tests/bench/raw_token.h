#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/key_types.h"
#include "hsm/pkcs11.h"

namespace hubseal::bench {

/// What a loop achieved.
struct Measurement {
  double per_second = 0;
  double cpu_us = 0;  ///< of the process that signs, for each
  std::vector<double> latencies_us;
};

/// The token itself, as fast as it goes: C_SignInit and C_Sign in a loop, a session for each thread,
/// the key's handle known, nothing verified, nothing recorded. What hubseald is compared with.
/// Errors: throws with the call that failed.
class RawToken {
 public:
  /// C_Initialize and login; C_Finalize when it goes.
  RawToken(const std::filesystem::path& module, const std::string& label, const std::string& pin);
  ~RawToken();
  RawToken(const RawToken&) = delete;  // there is one C_Finalize
  RawToken& operator=(const RawToken&) = delete;

  Measurement sign(const std::string& key_label, KeyType type, unsigned threads, std::chrono::duration<double> time);

 private:
  CK_FUNCTION_LIST* functions_ = nullptr;
  CK_SLOT_ID slot_ = 0;
  CK_SESSION_HANDLE anchor_ = 0;
};

}  // namespace hubseal::bench
