#include "agent/http/chunks.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace hubseal::agent::http {
namespace {

constexpr std::size_t kMaxDiscardedBytes = 16 * 1024;
constexpr std::size_t kMaxLineBytes = 4 * 1024;

}  // namespace

Chunks::State Chunks::take(char c) {
  if (part_ == Part::content) {
    body_ += c;
    if (--left_ == 0) part_ = Part::content_end;
    return State::more;
  }
  line_ += c;
  if (c != '\n') return line_.size() < kMaxLineBytes ? State::more : State::broken;
  // A line that ends without CR is where two servers in a row would begin to read differently.
  if (!line_.ends_with("\r\n")) return State::broken;
  line_.resize(line_.size() - 2);
  const State state = line_.find('\r') == std::string::npos ? take_line() : State::broken;
  line_.clear();
  return state;
}

Chunks::State Chunks::take_line() {
  switch (part_) {
    case Part::size: return take_size();
    case Part::content: break;
    case Part::content_end: part_ = Part::size; return line_.empty() ? State::more : State::broken;
    case Part::trailer:
      if (line_.empty()) return State::complete;
      discarded_ += line_.size();
      return discarded_ <= kMaxDiscardedBytes ? State::more : State::broken;
  }
  return State::broken;
}

Chunks::State Chunks::take_size() {
  const std::size_t digits = std::min(line_.find(';'), line_.size());
  discarded_ += line_.size() - digits;
  if (discarded_ > kMaxDiscardedBytes) return State::broken;
  const auto [end, problem] = std::from_chars(line_.data(), line_.data() + digits, left_, 16);
  if (problem != std::errc() || end != line_.data() + digits) return State::broken;
  if (left_ > max_bytes_ - body_.size()) return State::too_large;
  part_ = left_ == 0 ? Part::trailer : Part::content;
  return State::more;
}

}  // namespace hubseal::agent::http
