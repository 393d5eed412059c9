#pragma once

#include <filesystem>
#include <string>

#include "common/key_types.h"
#include "common/result.h"

namespace hubseal::bench {

/// Which key signs, and how.
struct RawSignConfig {
  std::filesystem::path module;
  std::string label;  ///< of the token
  std::string pin;
  KeyId key{};  ///< a key of the token, as Signer names it
  bool session_copy = false;
};

/// The yardstick of Signer::sign: C_SignInit and C_Sign on a digest, session and key handle known,
/// nothing verified. RSA keys sign PKCS#1 v1.5 with SHA-256, EC keys plain ECDSA.
/// Works beside a Signer on the same module in the same process: neither the module nor the login is
/// ended here.
/// Threads: one; each has its own.
class RawSigner {
 public:
  static Result<RawSigner> open(const RawSignConfig& config);
  RawSigner(RawSigner&& other) noexcept;
  RawSigner& operator=(RawSigner&&) = delete;
  RawSigner(const RawSigner&) = delete;
  RawSigner& operator=(const RawSigner&) = delete;
  ~RawSigner();
  /// false when the token refused.
  bool sign();

 private:
  RawSigner() = default;
  void* functions_ = nullptr;
  unsigned long session_ = 0;
  unsigned long handle_ = 0;
  unsigned long mechanism_ = 0;
  Bytes input_;
};

}  // namespace hubseal::bench
