#include "agent/service/inbound_enrollments.h"

#include "agent/http/handlers/handlers.h"
#include "agent/http/handlers/json_text.h"
#include "agent/service/certificate.h"
#include "agent/service/csr.h"
#include "agent/service/dfsps.h"

namespace hubseal::agent::http {
namespace {

using Enrollment = InboundEnrollments::Enrollment;

constexpr char kPath[] = "/api/dfsps/{dfspId}/enrollments/inbound";

void write(ObjectText& item, const Enrollment& enrollment) {
  item.number("id", enrollment.id);
  item.text("csr", enrollment.csr);
  item.json("csrInfo", enrollment.csr_info_json);
  item.text("state", enrollment.state);
  item.json("validations", enrollment.validations_json);
  item.text("validationState", enrollment.validation_state);
  item.optional_text("certificate", enrollment.certificate);
  item.optional_json("certInfo", enrollment.cert_info_json);
  if (!enrollment.certificate) item.optional_json("approval", enrollment.approval_json);
}

Answer answer(const Enrollment& enrollment) { return ok_object(enrollment, write); }

Outcome list(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  const auto state = request.query_value("state");
  return ok_array(TRY(services.inbound_enrollments.list(request.param("dfspId"), state, request.page)), write);
}

Outcome submit(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  const auto enrollment = services.inbound_enrollments.submit(request.caller, request.param("dfspId"),
                                                              request.body["clientCSR"].get<std::string>());
  if (!enrollment && enrollment.error().code == Code::bad_request)
    return tl::unexpected(Problem({Code::bad_request, "Could not parse the CSR content. " + enrollment.error().message},
                                  enrollment.error().message));
  if (!enrollment) return tl::unexpected(Problem(enrollment.error()));
  return answer(*enrollment);
}

Outcome get(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return answer(
      TRY(services.inbound_enrollments.follow_up(request.caller, request.param("dfspId"), request.number("enId"))));
}

Outcome sign(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return answer(
      TRY(services.inbound_enrollments.sign(request.caller, request.param("dfspId"), request.number("enId"))));
}

Outcome put_certificate(const Services& services, const Request& request) {
  TRY(services.dfsps.require(request.param("dfspId")));
  return answer(TRY(services.inbound_enrollments.put_certificate(
      request.caller, request.param("dfspId"), request.number("enId"), *request.text("certificate"))));
}

}  // namespace

void add_inbound_enrollments(std::vector<Route>& routes, const Services& services) {
  const std::string path = kPath;
  const std::vector<Role> readers = {Role::mta, Role::pta, Role::dfsp};
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [services](const Request& request) { return list(services, request); },
                    .roles = readers,
                    .query = {"state"},
                    .paged = true});
  routes.push_back({.method = "POST",
                    .path = path,
                    .handler = [services](const Request& request) { return submit(services, request); },
                    .roles = readers,
                    .takes_body = true,
                    .body = {{.name = "clientCSR", .required = true, .max_bytes = kMaxCsrBytes}},
                    .query = {"state"}});  // sent by clients, without a meaning
  routes.push_back({.method = "GET",
                    .path = path + "/{enId}",
                    .handler = [services](const Request& request) { return get(services, request); },
                    .roles = readers});
  routes.push_back({.method = "POST",
                    .path = path + "/{enId}/sign",
                    .handler = [services](const Request& request) { return sign(services, request); },
                    .roles = {Role::pta}});
  routes.push_back({.method = "POST",
                    .path = path + "/{enId}/certificate",
                    .handler = [services](const Request& request) { return put_certificate(services, request); },
                    .roles = {Role::pta},
                    .takes_body = true,
                    .body = {{.name = "certificate", .required = true, .max_bytes = kMaxCertificateBytes}}});
}

}  // namespace hubseal::agent::http
