#include "daemon/ca/outside.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include "common/x509/chain.h"
#include "daemon/ca/policy.h"

namespace hubseal::ca {
namespace {

constexpr int kSecurityLevel = 2;  // RSA of 2048 bits, SHA-256

using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;

struct FreeCertificates {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};
using CertificatesPtr = std::unique_ptr<STACK_OF(X509), FreeCertificates>;

tl::unexpected<Error> refuse(const x509::Certificate& certificate, std::string_view problem) {
  return fail(Code::policy_denied,
              fmt::format("certificate {} ({}): {}", certificate.serial().hex(), certificate.subject(), problem));
}

/// Anew from its bytes: x509::Certificate keeps no decoded key, and libcrypto wants one here.
CertificatePtr decoded(const x509::Certificate& certificate) {
  const unsigned char* next = certificate.der().data();
  return CertificatePtr(d2i_X509(nullptr, &next, static_cast<long>(certificate.der().size())));
}

Result<> check_is_ours(const OutsideRequest& request, const x509::Certificate& certificate) {
  const Bytes& spki = certificate.spki();
  if (!std::equal(spki.begin(), spki.end(), request.spki.begin(), request.spki.end()))
    return refuse(certificate, "it is for another key than this CA's");
  if (request.subject && TRY(certificate.subject_name()).text() != request.subject->text())
    return refuse(certificate, "its subject is another than the CSR asked for");
  if (certificate.not_before() > request.now || certificate.not_after() <= request.now)
    return refuse(certificate, fmt::format("it is valid from {} to {}; wanted one that is valid now",
                                           format_utc(certificate.not_before()), format_utc(certificate.not_after())));
  return {};
}

/// An outside root may give less than was asked for, and never more.
Result<> check_is_no_wider(const Profile& profile, const x509::Certificate& certificate) {
  const std::uint32_t allowed = profile.key_usage_bits(TRY(decide_key(profile, certificate.public_key())));
  if (certificate.key_usage() & ~allowed)
    return refuse(certificate, fmt::format("key usage 0x{:x}; profile {} has 0x{:x}", certificate.key_usage(),
                                           profile.name, allowed));
  if (!certificate.extended_key_usage().empty())
    return refuse(certificate, "an extended key usage; wanted none, it would hold for all that is issued below");
  if (!(certificate.key_usage() & KU_CRL_SIGN)) return refuse(certificate, "its key usage lacks cRLSign");
  if (profile.path_len && (!certificate.path_len() || *certificate.path_len() > *profile.path_len))
    return refuse(certificate,
                  fmt::format("path length {}; profile {} has {}",
                              certificate.path_len() ? fmt::format("{}", *certificate.path_len()) : "without limit",
                              profile.name, *profile.path_len));
  if (profile.name_constraints.empty()) return {};
  // Otherwise verifiers that do not know the extension would pass over it (RFC 5280 section 4.2.1.10).
  if (!are_constraints_critical(certificate)) return refuse(certificate, "its name constraints are not critical");
  const auto names = constraints_in(certificate);
  if (!names) return refuse(certificate, names.error().message);
  if (!is_within(*names, profile.name_constraints))
    return refuse(certificate, fmt::format("{}; profile {} has {}", words_of(*names), profile.name,
                                           words_of(profile.name_constraints)));
  return {};
}

/// What is not part of the path was looked at by nobody, and would be published with the rest.
Result<> check_nothing_left_over(const x509::Certificate& certificate, const std::vector<x509::Certificate>& chain,
                                 const X509_STORE_CTX* verified) {
  const auto path = static_cast<std::size_t>(sk_X509_num(X509_STORE_CTX_get0_chain(verified)));
  const std::size_t below = certificate.der() == chain.front().der() ? 0 : 1;  // a root is its own chain
  if (path == chain.size() + below) return {};
  return refuse(certificate,
                fmt::format("{} certificates in its chain, and {} of them lead to the root; wanted no others",
                            chain.size(), path - below));
}

Result<> check_path(const x509::Certificate& certificate, const std::vector<x509::Certificate>& chain, TimePoint now) {
  const x509::Certificate& root = chain.back();
  if (root.subject_der() != root.issuer_der()) return refuse(root, "the last of the chain is not self-signed");
  // libcrypto would blame the certificate at the other end of the path.
  for (const x509::Certificate& one : chain)
    if (one.key_usage() == 0) return refuse(one, "it has no keyUsage extension; wanted keyCertSign");
  const CertificatePtr target = decoded(certificate), anchor = decoded(root);
  const CertificatesPtr between(sk_X509_new_null());
  for (std::size_t i = 0; i + 1 < chain.size(); ++i)
    if (CertificatePtr one = decoded(chain[i]); !one || sk_X509_push(between.get(), one.get()) == 0)
      return refuse(chain[i], "it does not decode");
    else
      static_cast<void>(one.release());  // the stack frees it
  const StorePtr store(X509_STORE_new());
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (!target || !anchor || X509_STORE_add_cert(store.get(), anchor.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), target.get(), between.get()) != 1)
    return fail(Code::internal, "no path to check: " + drain_openssl_errors());
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, now.time_since_epoch().count());
  X509_VERIFY_PARAM_set_auth_level(param, kSecurityLevel);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  if (X509_verify_cert(context.get()) == 1) return check_nothing_left_over(certificate, chain, context.get());
  const std::string why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  drain_openssl_errors();
  return refuse(certificate, fmt::format("no path to the root {}: {}", root.subject(), why));
}

}  // namespace

Result<OutsideCa> check_outside(const OutsideRequest& request) {
  const x509::Certificate certificate = TRY(x509::Certificate::parse(request.certificate));
  TRY(check_is_ours(request, certificate));
  Issuer issuer = TRY(Issuer::of(certificate));
  TRY(check_is_no_wider(request.profile, certificate));
  std::vector<x509::Certificate> chain = TRY(x509::parse_chain(request.chain));
  TRY(check_path(certificate, chain, request.now));
  return OutsideCa{std::move(issuer), std::move(chain)};
}

}  // namespace hubseal::ca
