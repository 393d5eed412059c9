#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/metrics/histogram.h"

namespace hubseal::agent::metrics {

enum class Kind { counter, gauge, histogram };

/// Names, which are ours, and values, which may be anything.
using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// A page of metrics in Prometheus's text format, version 0.0.4.
class Exposition {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  /// Begins a family, whose samples follow. One without samples leaves nothing on the page.
  void family(std::string_view name, Kind kind, std::string_view help);
  void sample(double value, const Labels& labels = {});
  void histogram(const Histogram::Values& values, const Labels& labels);
  /// A family of one sample.
  void single(std::string_view name, Kind kind, std::string_view help, double value) {
    family(name, kind, help);
    sample(value);
  }
  /// What another page says; its families are not on this one.
  void append(const std::string& page) { text_ += page; }

  const std::string& text() const { return text_; }

 private:
  void line(std::string_view suffix, double value, const Labels& labels);

  std::string text_;
  std::string name_;
  std::string head_;  ///< of the family, until its first sample
};

}  // namespace hubseal::agent::metrics
