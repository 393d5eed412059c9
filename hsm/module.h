#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "hsm/pkcs11.h"
#include "hsm/token_config.h"

struct PKCS11_ctx_st;
struct PKCS11_slot_st;

namespace hubseal::hsm {

/// Who a token is. A label is no more than a name that any token can be given.
struct TokenIdentity {
  std::string serial;
  std::string manufacturer;
  bool operator==(const TokenIdentity&) const = default;
};

/// A token as its C_GetTokenInfo describes it.
struct Token {
  CK_SLOT_ID slot = 0;
  std::string label;
  std::string serial;
  std::string manufacturer;
  bool initialized = false;
  bool user_pin_set = false;
  bool pin_count_low = false;
  bool pin_final_try = false;
  bool pin_locked = false;
  bool pin_to_be_changed = false;

  TokenIdentity identity() const { return {serial, manufacturer}; }
};

/// "serial 5a1f0c22d3b4e596 of Example Inc".
std::string describe(const TokenIdentity& identity);
/// "hub (serial 5a1f0c22d3b4e596), an uninitialised token", or "none".
std::string describe(const std::vector<Token>& tokens);

/// A PKCS#11 module between C_Initialize and C_Finalize; libp11 loads it and reads its slots.
/// Owns: libp11's context. The shared object itself stays mapped for the life of the process,
/// because unloading foreign code with destructors and threads of its own is how processes crash.
/// Threads: one at a time, which is what libp11 0.4.12 wants; `functions` are the module's own.
class Module {
 public:
  static Result<std::unique_ptr<Module>> initialize(const std::filesystem::path& path);
  ~Module();
  Module(const Module&) = delete;  // a second C_Finalize would end the first one's sessions
  Module& operator=(const Module&) = delete;

  CK_FUNCTION_LIST* functions() const { return functions_; }

  /// Asks the module anew; slots given out before are void afterwards.
  Result<std::vector<Token>> tokens();
  /// libp11's view of the slot at `index` of the last `tokens()`.
  PKCS11_slot_st* slot(std::size_t index);

 private:
  Module(CK_FUNCTION_LIST* functions, PKCS11_ctx_st* context) : functions_(functions), context_(context) {}
  void release_slots();

  CK_FUNCTION_LIST* functions_;
  PKCS11_ctx_st* context_;
  PKCS11_slot_st* slots_ = nullptr;
  unsigned slot_count_ = 0;
};

/// The one token of the configured label or serial number; once it is `known` who that is, no other.
Result<Token> find_token(Module& module, const TokenConfig& config,
                         const std::optional<TokenIdentity>& known = std::nullopt);

/// The failed libp11 call in words; CK_RV and OpenSSL's queue have the reason.
Error libp11_error(std::string_view call);

}  // namespace hubseal::hsm
