#include "daemon/ca/read_extensions.h"

#include <fmt/format.h>

namespace hubseal::ca {
namespace {

using DistributionPointsPtr = std::unique_ptr<CRL_DIST_POINTS, Deleter<CRL_DIST_POINTS_free>>;
using AccessPtr = std::unique_ptr<AUTHORITY_INFO_ACCESS, Deleter<AUTHORITY_INFO_ACCESS_free>>;
using PoliciesPtr = std::unique_ptr<CERTIFICATEPOLICIES, Deleter<CERTIFICATEPOLICIES_free>>;

tl::unexpected<Error> unknown_form(int nid) {
  return fail(Code::bad_request, fmt::format("{} of a form that is never written here", OBJ_nid2sn(nid)));
}

/// Null when the certificate has none of this kind.
template <class Handle>
Result<Handle> extension(const x509::Certificate& certificate, int nid) {
  int critical = -1;  // -1: absent, -2: there are two
  Handle value(static_cast<typename Handle::pointer>(X509_get_ext_d2i(certificate.openssl(), nid, &critical, nullptr)));
  if (!value && critical != -1) return unknown_form(nid);
  return value;
}

Result<std::string> url_of(const GENERAL_NAME* name, int nid) {
  if (name->type != GEN_URI) return unknown_form(nid);
  const ASN1_IA5STRING* text = name->d.uniformResourceIdentifier;
  return std::string(as_text({ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))}));
}

}  // namespace

Result<std::vector<std::string>> crl_urls_in(const x509::Certificate& certificate) {
  constexpr int kNid = NID_crl_distribution_points;
  std::vector<std::string> urls;
  const auto points = TRY(extension<DistributionPointsPtr>(certificate, kNid));
  for (int i = 0; points && i < sk_DIST_POINT_num(points.get()); ++i) {
    const DIST_POINT* point = sk_DIST_POINT_value(points.get(), i);
    // Neither limited to some reasons nor signed by somebody else, and named in full.
    if (!point->distpoint || point->distpoint->type != 0 || point->reasons || point->CRLissuer)
      return unknown_form(kNid);
    const GENERAL_NAMES* names = point->distpoint->name.fullname;
    for (int j = 0; j < sk_GENERAL_NAME_num(names); ++j)
      urls.push_back(TRY(url_of(sk_GENERAL_NAME_value(names, j), kNid)));
  }
  return urls;
}

Result<std::vector<std::string>> ocsp_urls_in(const x509::Certificate& certificate) {
  constexpr int kNid = NID_info_access;
  std::vector<std::string> urls;
  const auto access = TRY(extension<AccessPtr>(certificate, kNid));
  for (int i = 0; access && i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
    const ACCESS_DESCRIPTION* description = sk_ACCESS_DESCRIPTION_value(access.get(), i);
    if (OBJ_obj2nid(description->method) != NID_ad_OCSP) return unknown_form(kNid);
    urls.push_back(TRY(url_of(description->location, kNid)));
  }
  return urls;
}

Result<std::vector<std::string>> policy_oids_in(const x509::Certificate& certificate) {
  constexpr int kNid = NID_certificate_policies;
  std::vector<std::string> oids;
  const auto policies = TRY(extension<PoliciesPtr>(certificate, kNid));
  for (int i = 0; policies && i < sk_POLICYINFO_num(policies.get()); ++i) {
    const POLICYINFO* policy = sk_POLICYINFO_value(policies.get(), i);
    char text[128] = "";
    if (policy->qualifiers || OBJ_obj2txt(text, sizeof text, policy->policyid, 1) <= 0) return unknown_form(kNid);
    oids.emplace_back(text);
  }
  return oids;
}

}  // namespace hubseal::ca
