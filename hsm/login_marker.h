#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"
#include "hsm/module.h"
#include "hsm/token_config.h"

namespace hubseal::hsm {

/// The file that stands for a PIN on its way to a token: durable before the PIN is sent, removed when the token
/// has taken it or has certainly not tested it. Where one is found the PIN was refused, or the process ended
/// before it knew; that PIN is not sent to that token again, by any process, until the operator puts another one
/// in its place or removes the file (docs/decisions/013-a-pin-counts-as-refused.md).
/// Owns: <marker_folder>/pin-sent-<serial>. It holds who the token is and what the PIN is called; nothing in it
/// comes from the PIN itself. Without a marker_folder all calls succeed and nothing is kept.
/// Threads: one login at a time. `config` must outlive it.
class LoginMarker {
 public:
  /// For the PIN that is configured now. Errors: hsm_unavailable when it was sent before, with what to do.
  static Result<LoginMarker> check(const TokenConfig& config, const Token& token);

  /// To be called with the PIN read and not sent. Errors: hsm_unavailable when the file cannot be made durable,
  /// or the PIN was exchanged since `check`; it must not be sent then.
  Result<> place() const;
  /// A failure is logged and no more: the next login finds the file, and says what to do.
  void remove() const;

  /// What to do about a PIN that was refused.
  std::string advice() const;

 private:
  explicit LoginMarker(const TokenConfig& config) : config_(&config) {}
  std::string content() const;

  const TokenConfig* config_;
  std::filesystem::path path_;  ///< empty: nothing is kept
  std::string token_;           ///< who it is, in words
  std::string pin_;             ///< its name
};

}  // namespace hubseal::hsm
