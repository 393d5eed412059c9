#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/secret_bytes.h"

namespace hubseal::hsm {

/// Which token to open, and how. Slot numbers change when a device is plugged in again, so a token
/// is named by what is written on it.
struct TokenConfig {
  std::filesystem::path module;       ///< the PKCS#11 module, absolute
  std::optional<std::string> label;   ///< exactly one of label and serial;
  std::optional<std::string> serial;  ///< a serial number also refuses another token of that label

  /// Called just before each login, never otherwise; what it returns is wiped right after.
  std::function<Result<SecretBytes>()> read_pin;

  /// Where a PIN that is on its way leaves a file, so that one that was refused is not sent again by the next
  /// process either (hsm/login_marker.h): a durable folder, closed to others. Empty: only this process knows.
  std::filesystem::path marker_folder;
  /// Tells the PIN that `read_pin` would give from the next one without looking at it: its name, for the file and for
  /// the operator. Asked before and after it is read; wanted together with marker_folder.
  std::function<Result<std::string>()> name_pin;

  /// Signatures made at the same time, each on a session of its own; 0: two per core.
  unsigned sessions = 0;

  /// Sign with copies of the keys that live in the session (C_CopyObject with CKA_TOKEN false and
  /// every other attribute kept). SoftHSM looks at its files on each use of a token object, which a
  /// copy avoids; other tokens gain nothing. Where the token refuses, its own objects are used.
  bool session_copies = false;

  /// How long a request waits for a free session, or for a token that is being opened anew.
  std::chrono::milliseconds deadline{5000};

  /// Pause after a token could not be opened: doubles from the first to the second.
  std::chrono::milliseconds retry_first{100};
  std::chrono::milliseconds retry_last{5000};
  /// What time these pauses go by; tests pass their own.
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;
};

}  // namespace hubseal::hsm
