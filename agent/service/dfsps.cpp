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

}  // namespace

Result<> check_dfsp_id(std::string_view id) {
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

bool is_hub(const std::optional<std::string>& hub_id, std::string_view id) {
  return hub_id && store::folded(*hub_id) == store::folded(id);
}

namespace {

tl::unexpected<Error> missing(std::string_view id) {
  return fail(Code::not_found, fmt::format("DFSP with id {} not found", log::printable(id, 80)));
}

}  // namespace

Result<> Dfsps::add(const Caller& caller, store::Dfsp dfsp) {
  TRY(check_dfsp_id(dfsp.id));
  if (is_hub(hub_id_, dfsp.id))
    return fail(Code::conflict,
                fmt::format("dfspId \"{}\" is the hub's own id, which is no participant's; wanted another", dfsp.id));
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

Result<std::vector<std::string>> Dfsps::ids() {
  std::vector<std::string> ids;
  for (const store::Dfsp& dfsp : TRY(table_.list())) ids.push_back(dfsp.id);
  return ids;
}

Result<bool> Dfsps::is_own(const auth::Identity& identity, std::string_view id) {
  if (identity.dfsp_groups.empty() || !is_name(id)) return false;
  const auto group = TRY(table_.security_group(id));
  return group && identity.belongs_to(*group);
}

Result<> Dfsps::require(std::string_view id) {
  if (is_name(id) && id.size() <= kMaxIdBytes && TRY(table_.exists(id))) return {};
  return missing(id);
}

Result<store::Dfsp> Dfsps::get(std::string_view id) {
  auto dfsp = TRY(table_.find(id));
  if (!dfsp) return missing(id);
  return *std::move(dfsp);
}

Result<store::Dfsp> Dfsps::change(const Caller& caller, std::string_view id, const store::DfspChange& change) {
  if (!change.name && !change.monetary_zone && !change.is_proxy && !change.security_group)
    return fail(Code::bad_request, "nothing to change; wanted name, monetaryZoneId, isProxy or securityGroup");
  auto dfsp = TRY(table_.change(id, change));
  if (!dfsp) return missing(id);
  log::info("DFSP changed", {{"dfsp", dfsp->id}, {"correlation", caller.correlation_id}});
  return *std::move(dfsp);
}

Result<> Dfsps::remove(const Caller& caller, std::string_view id) {
  const auto keys = TRY(table_.remove(id));
  if (!keys) return missing(id);
  log::info("DFSP removed", {{"dfsp", std::string(id)}, {"correlation", caller.correlation_id}});
  for (const std::string& key : *keys)
    log::warning("the hub's client key of a DFSP that was removed stays in the HSM, where nothing uses it",
                 {{"dfsp", std::string(id)}, {"key", key}, {"correlation", caller.correlation_id}});
  return {};
}

Result<> Dfsps::require_proxy(std::string_view id) {
  TRY(require(id));
  if (TRY(table_.is_proxy(id))) return {};
  return fail(Code::forbidden,
              fmt::format("DFSP {} is no proxy (isProxy); only a proxy speaks for participants of other schemes", id));
}

}  // namespace hubseal::agent
