#pragma once

#include <algorithm>
#include <chrono>

#include "hsm/token_config.h"

namespace hubseal::hsm {

/// Between attempts at what failed: each twice as long as the one before, from TokenConfig::retry_first to retry_last,
/// or to another end.
class Pause {
 public:
  bool over(const TokenConfig& config) const { return config.now() >= until_; }
  void begin(const TokenConfig& config) { begin(config, config.retry_last); }
  void begin(const TokenConfig& config, std::chrono::milliseconds longest) {
    length_ = std::clamp(length_ * 2, config.retry_first, longest);
    until_ = config.now() + length_;
  }

 private:
  std::chrono::milliseconds length_{0};
  std::chrono::steady_clock::time_point until_{};
};

}  // namespace hubseal::hsm
