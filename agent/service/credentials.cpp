#include "agent/service/credentials.h"

#include <fmt/format.h>

#include "agent/service/dfsps.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

Result<auth::Credential> there(Result<std::optional<auth::Credential>> found, const std::string& dfsp_id) {
  if (!found) return tl::unexpected(found.error());
  if (!*found) return fail(Code::not_found, fmt::format("Client not found for DFSP {}", dfsp_id));
  return **std::move(found);
}

}  // namespace

// The name that the provider is asked for is the one in the database, which was checked when the DFSP was added.
Result<auth::Credential> Credentials::get(const Caller& caller, std::string_view dfsp_id) {
  const std::string id = TRY(dfsps_.get(dfsp_id)).id;
  auto credential = TRY(there(keeper_.find(id), id));
  log::info("credentials read", {{"dfsp", id}, {"caller", caller.who()}, {"correlation", caller.correlation_id}});
  return credential;
}

Result<auth::Credential> Credentials::renew(const Caller& caller, std::string_view dfsp_id) {
  const std::string id = TRY(dfsps_.get(dfsp_id)).id;
  auto credential = TRY(there(keeper_.renew(id), id));
  credential.created_at = clock_.now();
  log::info("credentials renewed", {{"dfsp", id}, {"caller", caller.who()}, {"correlation", caller.correlation_id}});
  return credential;
}

void Credentials::provide(const Caller& caller, std::string_view dfsp_id) {
  const auto made = [&]() -> Result<> {
    const store::Dfsp dfsp = TRY(dfsps_.get(dfsp_id));
    // A group that was given by hand may be anybody's: nobody is put into it from here.
    if (!dfsps_.has_own_group(dfsp)) return fail(Code::conflict, "its security group is not its own");
    return keeper_.provide({dfsp.id, dfsp.security_group});
  }();
  if (!made)
    log::warning(
        "the login of a DFSP at the identity provider was not made, or not wholly; changing the DFSP (PUT) tries again",
        {{"dfsp", std::string(dfsp_id)}, {"problem", made.error().message}, {"correlation", caller.correlation_id}});
}

}  // namespace hubseal::agent
