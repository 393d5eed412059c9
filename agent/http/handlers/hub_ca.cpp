#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/http/handlers/handlers.h"
#include "agent/http/handlers/json_text.h"
#include "agent/service/hub_ca.h"
#include "common/log.h"

namespace hubseal::agent::http {
namespace {

constexpr std::array<std::string_view, 7> kAttributes = {"CN", "O", "OU", "C", "ST", "L", "E"};

void write(ObjectText& item, const HubCa::Shown& ca) {
  item.text("rootCertificate", ca.root);
  item.json("rootCertificateInfo", ca.root_info_json);
  if (!ca.intermediates.empty()) item.text("intermediateChain", ca.intermediates);
  item.json("validations", ca.validations_json);
  item.text("validationState", ca.validation_state);
  item.text("type", ca.intermediates.empty() ? "INTERNAL" : "EXTERNAL");
}

Outcome get_hub_ca(HubCa& hub_ca) {
  if (const auto ca = TRY(hub_ca.shown())) return ok_object(*ca, write);
  return ok({{"validations", Json::array()}, {"validationState", "NOT_AVAILABLE"}});
}

/// The operators' portal sends what cfssl(1) takes: {"default": {...}, "csr": {"names": [{"CN": ...}], ...}}. Of that
/// the names count, which is what is compared; what is left empty in a form is not asked for.
Json names_of_cfssl(Json body) {
  if (!body.is_object() || !body.contains("csr") || !body["csr"].is_object()) return body;
  Json names = Json::object();
  const auto add = [&](const std::string& attribute, const Json& value) {
    if (!value.is_null() && value != "" && !names.contains(attribute)) names[attribute] = value;
  };
  const Json& csr = body["csr"];
  if (csr.contains("CN")) add("CN", csr["CN"]);
  if (const auto listed = csr.find("names"); listed != csr.end() && listed->is_array())
    for (const Json& some : *listed)
      if (some.is_object())
        for (const auto& [attribute, value] : some.items()) add(attribute, value);
  return names;
}

/// A member that is no attribute is refused, not ignored: it would be a wish that nobody fulfils.
Result<HubCa::Name> wanted_name(const Json& body) {
  HubCa::Name wanted;
  for (const auto& [member, value] : body.items()) {
    if (std::find(kAttributes.begin(), kAttributes.end(), member) == kAttributes.end())
      return fail(Code::bad_request,
                  fmt::format("Invalid CAInitialInfo document: \"{}\" is not known; wanted CN, O and "
                              "optionally OU, C, ST, L, E",
                              log::printable(member, 64)));
    wanted.emplace_back(member, value.get<std::string>());
  }
  return wanted;
}

/// There is no way in for a CA and its private key; the pipeline has refused the key by then.
Outcome refuse_hub_ca(const Request&) {
  return tl::unexpected(Error{
      Code::bad_request,
      "a hub CA is never brought over REST. Its key stays in the HSM: on the signing host, have the CSR of a new key "
      "signed by your root (hubseal ca create --form csr, then hubseal ca install), or take over a CA whose key is "
      "in the token already (hubseal ca import)"});
}

/// No call ends every certificate of the scheme at once.
Outcome keep_hub_ca(const Request&) {
  return fail(
      Code::conflict,
      "a hub CA is not deleted over REST. On the signing host the security team lets another one take its place "
      "(hubseal ca create, then hubseal ca retire OLD --successor NEW); its certificates stay good until they end or "
      "are revoked");
}

Outcome confirm_hub_ca(HubCa& hub_ca, const Request& request) {
  const HubCa::Name wanted = TRY(wanted_name(request.body));
  return ok_object(*TRY(hub_ca.confirm(wanted)), write);
}

}  // namespace

void add_hub_ca(std::vector<Route>& routes, const Services& services) {
  HubCa& hub_ca = services.hub_ca;
  Schema name;
  for (const std::string_view attribute : kAttributes)
    name.push_back(
        {.name = attribute, .required = attribute == "CN" || attribute == "O", .max_bytes = 128, .min_bytes = 1});
  routes.push_back({.method = "GET",
                    .path = "/api/hub/ca",
                    .handler = [&hub_ca](const Request&) { return get_hub_ca(hub_ca); },
                    .roles = {Role::mta, Role::pta, Role::dfsp}});
  routes.push_back(
      {.method = "PUT", .path = "/api/hub/ca", .handler = refuse_hub_ca, .roles = {Role::pta}, .takes_body = true});
  routes.push_back({.method = "DELETE", .path = "/api/hub/ca", .handler = keep_hub_ca, .roles = {Role::pta}});
  routes.push_back({.method = "POST",
                    .path = "/api/hub/ca",
                    .handler = [&hub_ca](const Request& request) { return confirm_hub_ca(hub_ca, request); },
                    .roles = {Role::pta},
                    .takes_body = true,
                    .reshape = names_of_cfssl,
                    .body = name});
}

}  // namespace hubseal::agent::http
