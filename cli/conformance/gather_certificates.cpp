#include <algorithm>

#include <nlohmann/json.hpp>

#include "cli/conformance/gather.h"
#include "cli/pages.h"
#include "cli/revocation_list.h"
#include "common/bytes.h"
#include "common/x509/pem.h"

namespace hubseal::cli::conformance {
namespace {

constexpr std::size_t kRead = 500;  // certificates in force that are decoded, the newest first

Result<Crl> gather_crl(const Session& session, const std::string& ca, const x509::Certificate& certificate) {
  const Json crl = TRY(fetch_crl(session, ca));
  return read_crl(TRY(x509::der_of_pem(text_of(crl, "crl"), {"X509 CRL"})), certificate);
}

/// No participant may be called as a CA is: what bears its name is the hub's own (PKI-5), and so is what one CA has
/// made for another.
bool is_hubs_own(const CertificateRow& row) { return row.cross || row.subject == row.ca; }

bool has_responder(const Certificates& certificates, const std::string& ca, TimePoint now) {
  return std::any_of(certificates.rows.begin(), certificates.rows.end(), [&](const CertificateRow& row) {
    return row.ca == ca && is_hubs_own(row) && row.profile == "ocsp-responder" && row.not_after > now;
  });
}

/// About the CA's own certificate, which every CA has. A responder that nobody has asked yet would make its key in the
/// token first: a report does not cause that.
Result<Ocsp> gather_ocsp(const Session& session, const Authority& authority, const x509::Certificate& certificate,
                         const Result<Certificates>& certificates, TimePoint now) {
  if (!certificates) return fail(certificates.error().code, certificates.error().message);
  if (!has_responder(*certificates, authority.name, now))
    return fail(
        Code::not_found,
        "no responder is certified for it: it was not asked, because the first question makes a key in the token");
  const OcspQuestion question = TRY(OcspQuestion::about(certificate.serial(), certificate));
  const Json answer = TRY(session.call("get_ocsp", {{"request", to_base64(question.der())}}));
  return question.read(TRY(from_base64(text_of(answer, "response"))), certificate);
}

Result<CertificateRow> row_of(const Json& one) {
  CertificateRow row;
  row.ca = text_of(one, "ca");
  row.serial = text_of(one, "serial");
  row.state = text_of(one, "state");
  row.profile = text_of(one, "profile");
  row.subject = text_of(one, "subject");
  row.distinguished_name = text_of(one, "distinguished_name");
  row.not_before = TRY(parse_utc(text_of(one, "not_before")));
  row.not_after = TRY(parse_utc(text_of(one, "not_after")));
  row.cross = one.contains("cross");
  return row;
}

}  // namespace

Result<std::vector<Authority>> gather_authorities(const Session& session, const Json& names,
                                                  const Result<Certificates>& certificates, TimePoint now) {
  std::vector<Authority> authorities;
  for (const Json& name : names) {
    const Json said = TRY(session.call("get_ca", {{"ca", name}}));
    Authority authority;
    authority.name = text_of(said, "ca");
    authority.state = text_of(said, "state");
    authority.key = text_of(said, "key");
    authority.profile = text_of(said, "profile");
    if (member_of(said, "certificate").is_string()) {
      const auto certificate = TRY(x509::Certificate::parse(text_of(said, "certificate")));
      authority.crl = gather_crl(session, authority.name, certificate);
      authority.ocsp = gather_ocsp(session, authority, certificate, certificates, now);
      authority.certificate = certificate;
    }
    authorities.push_back(std::move(authority));
  }
  return authorities;
}

Result<Certificates> gather_certificates(const Session& session, TimePoint now) {
  const Json all = TRY(fetch_pages(session, "list_certificates", "certificates", Json::object())).items;
  Certificates certificates;
  for (const Json& one : all)
    if (text_of(one, "state") != "intended") certificates.rows.push_back(TRY(row_of(one)));
  wire::DaemonClient daemon = session.client();
  for (auto row = certificates.rows.rbegin(); row != certificates.rows.rend(); ++row) {
    if (is_hubs_own(*row) || row->state == "revoked" || row->not_after < now) continue;
    if (++certificates.in_force > kRead) continue;
    const Json shown = TRY(daemon.call("get_certificate", {{"ca", row->ca}, {"serial", row->serial}}));
    certificates.read.push_back({*row, TRY(x509::Certificate::parse(text_of(shown, "certificate")))});
  }
  return certificates;
}

}  // namespace hubseal::cli::conformance
