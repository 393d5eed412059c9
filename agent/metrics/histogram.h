#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/guarded.h"

namespace hubseal::agent::metrics {

class Exposition;

/// How long things took, counted into ranges.
/// Threads: share it freely; who counts never waits for who reads.
class Histogram {
 public:
  using Duration = std::chrono::steady_clock::duration;
  /// Upper ends of the ranges, in seconds; those that MCM's metrics have. One more range has no end.
  static constexpr std::array<double, 11> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

  void observe(Duration took);

  struct Values {
    std::array<std::uint64_t, kBounds.size()> up_to;  ///< of each bound, those below it included
    std::uint64_t count = 0;
    double seconds = 0;
  };
  Values values() const;

 private:
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> ranges_{};
  std::atomic<std::int64_t> nanoseconds_{0};
};

/// Histograms of one family, told apart by the values of their labels.
/// Threads: share it freely; the lock is held to find one, not while anything is written out.
class Histograms {
 public:
  using Values = std::vector<std::string>;  ///< as many as there are names

  Histograms(std::string name, std::string help, std::vector<std::string> labels)
      : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)) {}

  /// Values must come from a bounded set: each makes a series that stays.
  void observe(const Values& values, Histogram::Duration took);
  /// Forgets those whose first value is not one of these.
  void retain(const std::vector<std::string>& first_values);
  void write(Exposition& page);

 private:
  const std::string name_;
  const std::string help_;
  const std::vector<std::string> labels_;
  Guarded<std::map<Values, Histogram>> known_;
};

}  // namespace hubseal::agent::metrics
