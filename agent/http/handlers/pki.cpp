#include <fmt/format.h>

#include "agent/http/handlers/handlers.h"
#include "agent/service/pki.h"
#include "common/fields.h"
#include "common/log.h"

namespace hubseal::agent::http {
namespace {

constexpr int kCacheSeconds = 60;  // how long a revocation may stay unseen by who asks through a cache

Answer binary(std::string content_type, const Bytes& der) {
  Answer answer;
  answer.content_type = std::move(content_type);
  answer.body.assign(der.begin(), der.end());
  answer.cache_seconds = kCacheSeconds;
  return answer;
}

/// RFC 5280 section 4.2.1.13 and RFC 2585 section 3: one DER value a file. No file is looked for: the name is asked of
/// the daemon.
Outcome get_file(Pki& pki, const std::string& file) {
  const std::size_t dot = file.rfind('.');
  const std::string ca = file.substr(0, dot);
  const std::string kind = dot == std::string::npos ? "" : file.substr(dot);
  if (!is_name(ca) || (kind != ".crt" && kind != ".crl"))
    return tl::unexpected(
        Error{Code::not_found, fmt::format("there is no {} here; wanted CA.crt or CA.crl", log::printable(file, 80))});
  if (kind == ".crt") return binary("application/pkix-cert", TRY(pki.certificate(ca)));
  return binary("application/pkix-crl", TRY(pki.crl(ca)));
}

/// RFC 6960 appendix A.1. What cannot be read is for the response to say.
Outcome post_ocsp(Pki& pki, const Request& request) {
  Answer answer = binary("application/ocsp-response", TRY(pki.ocsp(as_bytes(request.raw))));
  answer.cache_seconds.reset();
  return answer;
}

/// A cache does not keep what is only true now: such a response has a status (tryLater, say) and nothing else.
Outcome get_ocsp(Pki& pki, const Request& request) {
  constexpr std::size_t kStatusOnly = 5;  // bytes
  const Bytes response = TRY(pki.ocsp(from_base64(request.param("request")).value_or(Bytes())));
  Answer answer = binary("application/ocsp-response", response);
  if (response.size() <= kStatusOnly) answer.cache_seconds.reset();
  return answer;
}

}  // namespace

void add_pki(std::vector<Route>& routes, const Services& services) {
  Pki& pki = services.pki;
  for (const auto& [path, fetch] : {std::pair("/pki/trust-bundle.pem", &Pki::trust_bundle),
                                    std::pair("/pki/intermediates.pem", &Pki::intermediates)})
    routes.push_back({.method = "GET",
                      .path = path,
                      .handler = [&pki, fetch = fetch](const Request&) -> Outcome {
                        Answer answer;
                        answer.content_type = "application/x-pem-file";
                        answer.body = TRY((pki.*fetch)());
                        answer.cache_seconds = kCacheSeconds;
                        return answer;
                      },
                      .roles = {Role::anybody}});
  routes.push_back({.method = "POST",
                    .path = "/pki/ocsp",
                    .handler = [&pki](const Request& request) { return post_ocsp(pki, request); },
                    .roles = {Role::anybody},
                    .media_type = "application/ocsp-request"});
  routes.push_back({.method = "GET",
                    .path = "/pki/ocsp/{request*}",
                    .handler = [&pki](const Request& request) { return get_ocsp(pki, request); },
                    .roles = {Role::anybody}});
  routes.push_back({.method = "GET",
                    .path = "/pki/{file}",
                    .handler = [&pki](const Request& request) { return get_file(pki, request.param("file")); },
                    .roles = {Role::anybody}});
}

}  // namespace hubseal::agent::http
