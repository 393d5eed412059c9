#pragma once

#include <atomic>
#include <string_view>

#include "common/log.h"
#include "common/result.h"
#include "hsm/pkcs11.h"
#include "hsm/return_code.h"

namespace hubseal::hsm {

/// The module's functions, and whether one of them has ended this generation.
///   TRY(cryptoki.check(cryptoki->C_Sign(...), "C_Sign"));
/// Owns: nothing; the module must outlive it.
/// Threads: share it freely.
class Cryptoki {
 public:
  explicit Cryptoki(CK_FUNCTION_LIST* functions) : functions_(functions) {}

  CK_FUNCTION_LIST* operator->() const { return functions_; }

  /// CKR_OK, or the error in words. A code that ends the generation is remembered.
  Result<> check(CK_RV value, std::string_view call) {
    if (value == CKR_OK) [[likely]]
      return {};
    return tl::unexpected(note(value, call));
  }
  Error note(CK_RV value, std::string_view call);

  /// From the first code on that ends a generation, nothing of it may be used again.
  bool lost() const { return ended_by_.load(std::memory_order_acquire) != Cause::caller; }
  /// What that first code meant.
  bool lost_by(Cause cause) const { return lost() && ended_by_.load(std::memory_order_acquire) == cause; }

 private:
  CK_FUNCTION_LIST* functions_;
  std::atomic<Cause> ended_by_{Cause::caller};  ///< caller: by nothing so far, what a caller did wrong ends nothing
};

}  // namespace hubseal::hsm
