#pragma once

#include <filesystem>
#include <string>

#include "common/key_types.h"
#include "hsm/pkcs11.h"
#include "tests/bench/crowd.h"

namespace hubseal::bench {

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

  Measurement sign(const std::string& key_label, KeyType type, unsigned threads, Seconds time);

 private:
  CK_FUNCTION_LIST* functions_ = nullptr;
  CK_SLOT_ID slot_ = 0;
  CK_SESSION_HANDLE anchor_ = 0;
};

}  // namespace hubseal::bench
