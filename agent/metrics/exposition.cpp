#include "agent/metrics/exposition.h"

#include <fmt/format.h>

#include "common/version.h"

namespace hubseal::agent::metrics {
namespace {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::counter: return "counter";
    case Kind::gauge: return "gauge";
    case Kind::histogram: return "histogram";
  }
  return "untyped";
}

void append_label(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append("=\"");
  for (const char c : value) {
    if (c == '\n')
      text += "\\n";
    else if (c == '"' || c == '\\')
      text.append("\\").append(1, c);
    else
      text += c;
  }
  text += '"';
}

}  // namespace

void Exposition::family(std::string_view name, Kind kind, std::string_view help) {
  name_ = name;
  head_ = fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, to_string(kind));
}

void Exposition::sample(double value, const Labels& labels) { line("", value, labels); }

void Exposition::histogram(const Histogram::Values& values, const Labels& labels) {
  Labels with_bound = labels;
  with_bound.emplace_back("le", "");
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    const std::string bound = fmt::format("{}", Histogram::kBounds[i]);
    with_bound.back().second = bound;
    line("_bucket", static_cast<double>(values.up_to[i]), with_bound);
  }
  with_bound.back().second = "+Inf";
  line("_bucket", static_cast<double>(values.count), with_bound);
  line("_sum", values.seconds, labels);
  line("_count", static_cast<double>(values.count), labels);
}

void Exposition::line(std::string_view suffix, double value, const Labels& labels) {
  text_.append(std::exchange(head_, "")).append(name_).append(suffix);
  // MCM's, on every sample.
  text_.append("{serviceName=\"hubseal-agent\",serviceVersion=\"").append(kVersion).append("\"");
  for (const auto& [name, label] : labels) append_label(text_ += ',', name, label);
  text_ += fmt::format("}} {}\n", value);
}

}  // namespace hubseal::agent::metrics
