#include "agent/service/outbound_enrollments.h"

#include "agent/http/handlers/handlers.h"
#include "agent/http/handlers/json_text.h"
#include "agent/service/certificate.h"
#include "agent/service/csr.h"
#include "agent/service/dfsps.h"

namespace hubseal::agent::http {
namespace {

using Enrollment = OutboundEnrollments::Enrollment;

void write(ObjectText& item, const Enrollment& enrollment) {
  item.number("id", enrollment.id);
  item.text("csr", enrollment.csr);
  item.json("csrInfo", enrollment.csr_info_json);
  item.text("state", enrollment.state);
  item.optional_text("certificate", enrollment.certificate);
  item.optional_json("certInfo", enrollment.cert_info_json);
  item.optional_json("validations", enrollment.validations_json);
  item.optional_text("validationState", enrollment.validation_state);
}

Answer answer(const Enrollment& enrollment) { return ok_object(enrollment, write); }

Outcome list(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return ok_array(
      TRY(services.outbound_enrollments.list(request.param("dfspId"), request.query_value("state"), request.page)),
      write);
}

/// The form of the operators' portal, which has places for names. What has no place there is refused, not ignored.
Schema names_schema() {
  Schema subject;
  for (const std::string_view attribute : {"CN", "O", "OU", "C", "ST", "L", "E", "emailAddress"})
    subject.push_back({.name = attribute, .max_bytes = 128, .nullable = true});
  const Schema names = {{.name = "dns", .type = Type::text_list, .max_bytes = 253, .max_items = x509::kMaxAltNames},
                        {.name = "ips", .type = Type::text_list, .max_bytes = 64, .max_items = x509::kMaxAltNames}};
  const Schema extensions = {{.name = "subjectAltName", .type = Type::object, .members = names, .closed = true}};
  return {{.name = "subject", .type = Type::object, .members = subject, .closed = true},
          {.name = "extensions", .type = Type::object, .members = extensions, .closed = true}};
}

OutboundEnrollments::Wish wish_of(const Json& body) {
  const Json none = Json::object();
  OutboundEnrollments::Wish wish;
  const Json subject = body.value("subject", none);
  for (const auto& [attribute, value] : subject.items())
    if (!value.is_null() && value != "") wish.subject.emplace_back(attribute, value.get<std::string>());
  const Json names = body.value("extensions", none).value("subjectAltName", none);
  for (const auto& [kind, listed] : names.items())
    for (const Json& name : listed)
      if (name != "") wish.names.push_back(name.get<std::string>());
  return wish;
}

Outcome create(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  TRY(services.outbound_enrollments.confirm(wish_of(request.body)));
  return answer(TRY(services.outbound_enrollments.create(request.caller, request.param("dfspId"))));
}

/// The portal calls it hubCSR; answers call it csr.
Outcome bring(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  const auto csr = request.text("hubCSR") ? request.text("hubCSR") : request.text("csr");
  const auto enrollment =
      services.outbound_enrollments.bring_csr(request.caller, request.param("dfspId"), csr.value_or(""));
  if (enrollment) return answer(*enrollment);
  const Error& error = enrollment.error();
  if (error.code != Code::bad_request) return tl::unexpected(Problem(error));
  return tl::unexpected(Problem({error.code, "Could not parse the CSR content. " + error.message}, error.message));
}

Outcome get(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return answer(TRY(services.outbound_enrollments.get(request.param("dfspId"), request.number("enId"))));
}

Outcome put_certificate(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  const auto enrollment = services.outbound_enrollments.put_certificate(
      request.caller, request.param("dfspId"), request.number("enId"), request.text("certificate").value_or(""));
  if (enrollment) return answer(*enrollment);
  const Error& error = enrollment.error();
  if (error.code != Code::bad_request) return tl::unexpected(Problem(error));
  return tl::unexpected(
      Problem({error.code, "Could not parse the Certificate content. " + error.message}, error.message));
}

Outcome validate(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return answer(TRY(services.outbound_enrollments.validate(request.param("dfspId"), request.number("enId"))));
}

}  // namespace

void add_outbound_enrollments(std::vector<Route>& routes, const Services& services) {
  const std::string path = "/api/dfsps/{dfspId}/enrollments/outbound";
  const std::vector<Role> dfsp_too = {Role::mta, Role::pta, Role::dfsp};
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [services](const Request& request) { return list(services, request); },
                    .roles = dfsp_too,
                    .query = {"state"},
                    .paged = true});
  routes.push_back(
      {.method = "POST",
       .path = path,
       .handler = [services](const Request& request) { return bring(services, request); },
       .roles = {Role::pta},
       .takes_body = true,
       .body = {{.name = "hubCSR", .max_bytes = kMaxCsrBytes}, {.name = "csr", .max_bytes = kMaxCsrBytes}}});
  // "csr" goes before {enId}, which is a number.
  routes.push_back({.method = "POST",
                    .path = path + "/csr",
                    .handler = [services](const Request& request) { return create(services, request); },
                    .roles = {Role::pta},
                    .takes_body = true,
                    .body_may_be_missing = true,
                    .body = names_schema(),
                    .closed_body = true});
  routes.push_back({.method = "GET",
                    .path = path + "/{enId}",
                    .handler = [services](const Request& request) { return get(services, request); },
                    .roles = dfsp_too});
  routes.push_back({.method = "POST",
                    .path = path + "/{enId}/certificate",
                    .handler = [services](const Request& request) { return put_certificate(services, request); },
                    .roles = dfsp_too,
                    .takes_body = true,
                    .body = {{.name = "certificate", .max_bytes = kMaxCertificateBytes}}});
  routes.push_back({.method = "POST",
                    .path = path + "/{enId}/validate",
                    .handler = [services](const Request& request) { return validate(services, request); },
                    .roles = {Role::pta}});
}

}  // namespace hubseal::agent::http
