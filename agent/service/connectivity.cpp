#include "agent/service/connectivity.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/metrics/pings.h"
#include "common/clock.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

std::size_t place_of(const store::ConnectorState& state) {
  return static_cast<std::size_t>(std::find(kConnectorStates.begin(), kConnectorStates.end(), state.state) -
                                  kConnectorStates.begin());
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "Z", or "+03:00".
bool is_offset(std::string_view text) {
  if (text == "Z" || text == "z") return true;
  return text.size() == 6 && (text[0] == '+' || text[0] == '-') && is_digit(text[1]) && is_digit(text[2]) &&
         text[3] == ':' && is_digit(text[4]) && is_digit(text[5]);
}

}  // namespace

bool is_ping_status(std::string_view text) { return metrics::ping_number(text) >= 0; }

bool is_date_time(std::string_view text) {
  constexpr std::size_t kSeconds = 19;  // "2026-11-30T08:00:00"
  constexpr std::size_t kMaxBytes = 40;
  if (text.size() <= kSeconds || text.size() > kMaxBytes || !parse_utc(std::string(text.substr(0, kSeconds)) + "Z"))
    return false;
  text.remove_prefix(kSeconds);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (text.empty() || !is_digit(text.front())) return false;
    text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
  }
  return is_offset(text);
}

Result<> Connectivity::set_states(const std::string& dfsp_id, const std::vector<store::ConnectorState>& states) {
  for (const store::ConnectorState& state : states)
    if (!is_date_time(state.last_updated))
      return fail(Code::bad_request,
                  fmt::format("lastUpdated of {} is \"{}\"; wanted a time such as 2026-11-30T08:00:00.000Z",
                              state.state, log::printable(state.last_updated, 64)));
  return table_.set_states(dfsp_id, states);
}

Result<std::vector<store::Connectivity>> Connectivity::list() {
  std::vector<store::Connectivity> list = TRY(table_.list());
  for (store::Connectivity& dfsp : list)
    std::sort(dfsp.states.begin(), dfsp.states.end(),
              [](const auto& a, const auto& b) { return place_of(a) < place_of(b); });
  return list;
}

}  // namespace hubseal::agent
