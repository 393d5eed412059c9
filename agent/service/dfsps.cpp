#include "agent/service/dfsps.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "common/fields.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxIdBytes = 64;  // of `subject` on the wire
// Second segments of routes below /dfsps: a DFSP of such a name could not be addressed.
constexpr std::array<std::string_view, 4> kReserved = {"jwscerts", "servercerts", "states-status", "endpoints"};

bool is_currency(std::string_view text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

Result<> check_id(std::string_view id) {
  if (!is_name(id) || id.size() > kMaxIdBytes)
    return fail(
        Code::bad_request,
        fmt::format("dfspId is \"{}\"; wanted a letter or digit, then letters, digits, '.', '_' or '-', at most {} "
                    "in all",
                    log::printable(id, 80), kMaxIdBytes));
  std::string folded(id);
  std::transform(folded.begin(), folded.end(), folded.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::find(kReserved.begin(), kReserved.end(), folded) != kReserved.end())
    return fail(Code::bad_request, fmt::format("dfspId is \"{}\", which is the name of a route; wanted another", id));
  return {};
}

Result<> check_currency(std::string_view member, std::string_view text) {
  if (is_currency(text)) return {};
  return fail(Code::bad_request, fmt::format("{} is \"{}\"; wanted a currency of three capital letters (ISO 4217)",
                                             member, log::printable(text, 16)));
}

}  // namespace

Result<> Dfsps::add(const Caller& caller, store::Dfsp dfsp) {
  TRY(check_id(dfsp.id));
  if (dfsp.monetary_zone) TRY(check_currency("monetaryZoneId", *dfsp.monetary_zone));
  for (const std::string& currency : dfsp.fxp_currencies) TRY(check_currency("fxpCurrencies", currency));
  if (dfsp.security_group.empty()) dfsp.security_group = group_prefix_ + dfsp.id;
  TRY(table_.add(dfsp, clock_.now()));
  log::info("DFSP added", {{"dfsp", dfsp.id}, {"correlation", caller.correlation_id}});
  return {};
}

Result<std::vector<store::Dfsp>> Dfsps::list(const Caller& caller) {
  auto all = TRY(table_.list());
  if (!caller.identity || caller.identity->is(auth::Role::pta) || caller.identity->is(auth::Role::mta)) return all;
  std::erase_if(all, [&](const store::Dfsp& dfsp) { return !caller.identity->belongs_to(dfsp.security_group); });
  return all;
}

Result<bool> Dfsps::is_own(const auth::Identity& identity, std::string_view id) {
  if (identity.dfsp_groups.empty()) return false;
  const auto group = TRY(table_.security_group(id));
  return group && identity.belongs_to(*group);
}

Result<> Dfsps::require(std::string_view id) {
  if (is_name(id) && id.size() <= kMaxIdBytes && TRY(table_.exists(id))) return {};
  return fail(Code::not_found, fmt::format("DFSP with id {} not found", log::printable(id, 80)));
}

}  // namespace hubseal::agent
