#include "common/json.h"

#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"

namespace hubseal {
namespace {

/// Builds the value from parser events; each event may refuse by returning false.
class StrictBuilder final : public nlohmann::json_sax<Json> {
 public:
  StrictBuilder(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string& text) override {
    if (limits_.allow_fractions) return add(value);
    return refuse(fmt::format("{:.40} is not a 64-bit integer", text));
  }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    if (open_.back()->contains(name))
      return refuse(fmt::format("\"{}\" stands twice in one object", log::printable(name, 64)));
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    // Counted from 1; the end counts as a byte.
    const bool at_end = position == 0 || position > text_.size();
    return refuse(
        fmt::format("not JSON at byte {}: found {}; wanted one value as RFC 8259 writes it", position,
                    at_end ? "the end" : fmt::format("\"{}\"", log::printable(text_.substr(position - 1, 1)))));
  }

  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  template <class Value>
  bool add(Value&& value) {
    return place(std::forward<Value>(value)) != nullptr;
  }

  bool open(Json&& container) {
    if (open_.size() >= limits_.max_depth) return refuse(fmt::format("nested deeper than {}", limits_.max_depth));
    Json* const placed = place(std::move(container));
    if (placed) open_.push_back(placed);
    return placed != nullptr;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  // Pointers to open containers stay valid: only the innermost one ever grows.
  template <class Value>
  Json* place(Value&& value) {
    if (++values_ > limits_.max_values) {
      refuse(fmt::format("more than {} values in all", limits_.max_values));
      return nullptr;
    }
    if (open_.empty()) {
      root_ = std::forward<Value>(value);
      return &root_;
    }
    Json& parent = *open_.back();
    if (parent.size() >= limits_.max_members) {
      refuse(fmt::format("more than {} members in one object or array", limits_.max_members));
      return nullptr;
    }
    if (parent.is_array()) {
      parent.push_back(std::forward<Value>(value));
      return &parent.back();
    }
    return &(parent[key_] = std::forward<Value>(value));
  }

  bool refuse(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  const std::string_view text_;
  const JsonLimits limits_;
  std::size_t values_ = 0;
  Json root_;
  std::vector<Json*> open_;
  std::string key_;
  std::string problem_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  // RFC 8259 section 8.1: nothing that is sent begins with a byte order mark. The library would pass over it.
  if (text.starts_with("\xEF\xBB\xBF")) return fail(Code::bad_request, "JSON with a byte order mark in front");
  StrictBuilder builder(text, limits);
  if (!Json::sax_parse(text, &builder)) return fail(Code::bad_request, builder.problem());
  return builder.take();
}

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace hubseal
