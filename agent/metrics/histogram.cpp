#include "agent/metrics/histogram.h"

#include <algorithm>

#include "agent/metrics/exposition.h"

namespace hubseal::agent::metrics {

void Histogram::observe(Duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const auto range = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  ranges_[static_cast<std::size_t>(range)].fetch_add(1, std::memory_order_relaxed);
  nanoseconds_.fetch_add(std::chrono::nanoseconds(took).count(), std::memory_order_relaxed);
}

Histogram::Values Histogram::values() const {
  Values values;
  for (std::size_t i = 0; i < kBounds.size(); ++i)
    values.up_to[i] = values.count += ranges_[i].load(std::memory_order_relaxed);
  // Summed, not counted apart: the whole is then never less than one of its parts.
  values.count += ranges_.back().load(std::memory_order_relaxed);
  values.seconds = static_cast<double>(nanoseconds_.load(std::memory_order_relaxed)) / 1e9;
  return values;
}

void Histograms::observe(const Values& values, Histogram::Duration took) { (*known_.lock())[values].observe(took); }

void Histograms::retain(const std::vector<std::string>& first_values) {
  auto known = known_.lock();
  std::erase_if(*known, [&](const auto& one) {
    return std::find(first_values.begin(), first_values.end(), one.first.front()) == first_values.end();
  });
}

void Histograms::write(Exposition& page) {
  std::vector<std::pair<Values, Histogram::Values>> copies;
  {
    auto known = known_.lock();
    for (const auto& [values, histogram] : *known) copies.emplace_back(values, histogram.values());
  }
  page.family(name_, Kind::histogram, help_);
  for (const auto& [values, histogram] : copies) {
    Labels labels;
    for (std::size_t i = 0; i < labels_.size(); ++i) labels.emplace_back(labels_[i], values[i]);
    page.histogram(histogram, labels);
  }
}

}  // namespace hubseal::agent::metrics
