#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "agent/service/certificate.h"
#include "agent/service/validation_checks.h"
#include "common/log.h"
#include "common/x509/distinguished_name.h"
#include "common/x509/signature_algorithm.h"

namespace hubseal::agent {
namespace {

using StorePtr = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX_free>>;
/// Of the stack alone: the certificates in it are borrowed.
struct BorrowedDeleter {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using BorrowedStack = std::unique_ptr<STACK_OF(X509), BorrowedDeleter>;

// 112 bits: no RSA key below 2048 bits and no SHA-1 anywhere below the root.
constexpr int kSecurityLevel = 2;

constexpr std::string_view kNoIssuer = "is signed by a certificate that was not sent";
constexpr std::string_view kOtherRoot = "signed itself and is not the root that was sent";
constexpr std::string_view kShortKey = "has too short a key; wanted at least 2048 bits (RSA)";
constexpr std::string_view kConstrained = "has a name that a CA above it may not certify";

struct Words {
  int error;
  std::string_view text;
};

/// What is wrong with a certificate, behind its name; the library's own words are for nobody but the log.
constexpr std::array<Words, 18> kWords = {{
    {X509_V_ERR_CERT_HAS_EXPIRED, "has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, kNoIssuer},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, kNoIssuer},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, kNoIssuer},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, kOtherRoot},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, kOtherRoot},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "is not signed with its issuer's key"},
    {X509_V_ERR_INVALID_CA, "is not a CA's certificate"},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, "may not sign certificates"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, "has more CAs below it than its path length allows"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "is at the end of too long a chain"},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, "has a critical extension that is not known here"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, kShortKey},
    {X509_V_ERR_CA_KEY_TOO_SMALL, kShortKey},
    {X509_V_ERR_CA_MD_TOO_WEAK, "is signed over a hash that is too weak"},
    {X509_V_ERR_PERMITTED_VIOLATION, kConstrained},
    {X509_V_ERR_EXCLUDED_VIOLATION, kConstrained},
}};

std::string words_of(int error) {
  const auto found = std::find_if(kWords.begin(), kWords.end(), [&](const Words& one) { return one.error == error; });
  return found == kWords.end() ? fmt::format("does not verify (error {})", error) : std::string(found->text);
}

std::string subject(const X509* certificate) {
  return log::printable(x509::name_text(X509_get_subject_name(certificate)), 120);
}

bool may_sign_certificates(X509* certificate) {
  // 1 and nothing above it, which would be guesses from extensions older than basicConstraints. A keyUsage that is
  // missing forbids nothing (RFC 5280 section 6.1.4 (n)); all bits are set then.
  return X509_check_ca(certificate) == 1 && (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) != 0;
}

/// RFC 5280 section 6.1, from `certificate` over `intermediates` to `root`, which alone is trusted and must have signed
/// itself. What is wrong, in words; nothing when it leads there.
std::string walk(X509* certificate, std::span<const Certificate> intermediates, X509* root, TimePoint now) {
  const StorePtr store(X509_STORE_new());
  const StoreContextPtr context(X509_STORE_CTX_new());
  const BorrowedStack between(sk_X509_new_null());
  bool ready = store && context && between && X509_STORE_add_cert(store.get(), root) == 1;
  for (const Certificate& one : intermediates) ready = ready && sk_X509_push(between.get(), one.get()) > 0;
  if (!ready || X509_STORE_CTX_init(context.get(), store.get(), certificate, between.get()) != 1) {
    log::error("a certificate cannot be checked", {{"problem", drain_openssl_errors()}});
    return "it cannot be checked at the moment";
  }
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, now.time_since_epoch().count());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_VERIFY_PARAM_set_depth(rules, static_cast<int>(kMaxChainCertificates) + 1);
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  const bool good = X509_verify_cert(context.get()) == 1;
  drain_openssl_errors();
  if (!good) {
    const X509* at = X509_STORE_CTX_get_current_cert(context.get());
    return fmt::format("\"{}\" {}", subject(at ? at : certificate), words_of(X509_STORE_CTX_get_error(context.get())));
  }
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 1; i < sk_X509_num(chain); ++i)
    if (X509* signer = sk_X509_value(chain, i); !may_sign_certificates(signer))
      return fmt::format("\"{}\" may not sign certificates", subject(signer));
  return {};
}

bool signed_by(X509* certificate, X509* issuer) {
  const bool good =
      X509_check_issued(issuer, certificate) == X509_V_OK && X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
  drain_openssl_errors();
  return good;
}

/// Each must have signed the one before it and the root the last; a chain may repeat the root at its end.
std::string order(const CaChain& ca) {
  const auto& chain = ca.intermediates;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const bool last = i + 1 == chain.size();
    if (last && X509_cmp(chain[i].get(), ca.root->get()) == 0) break;
    X509* issuer = last ? ca.root->get() : chain[i + 1].get();
    if (!signed_by(chain[i].get(), issuer))
      return fmt::format(
          "\"{}\" is not signed by \"{}\"; wanted the lowest certificate first and each signed by the "
          "next, the last by the root",
          subject(chain[i].get()), subject(issuer));
  }
  return {};
}

}  // namespace

Validation check_root(const CaChain& ca, TimePoint now) {
  const char* code = "VERIFY_ROOT_CERTIFICATE";
  if (!ca.root) return not_available(code, "There is no root certificate.");
  X509* root = ca.root->get();
  if (X509_NAME_cmp(X509_get_subject_name(root), X509_get_issuer_name(root)) != 0)
    return judge(code, false,
                 fmt::format("The root \"{}\" is issued by \"{}\"; wanted a certificate that signed itself.",
                             subject(root), log::printable(x509::name_text(X509_get_issuer_name(root)), 120)));
  if (!x509::is_sound_signature(X509_get0_tbs_sigalg(root)))
    return judge(code, false, "The root is not signed with RSA or ECDSA over SHA-256, SHA-384 or SHA-512.");
  const std::string problem = walk(root, {}, root, now);
  if (!problem.empty()) return judge(code, false, fmt::format("The root does not stand: {}.", problem));
  Validation result = judge(code, true, "The root is signed with its own key and valid.");
  result.details = "VALID(SELF_SIGNED)";
  return result;
}

Validation check_chain(const CaChain& ca, TimePoint now) {
  const char* code = "VERIFY_CHAIN_CERTIFICATES";
  if (ca.intermediates.empty()) return not_available(code, "There are no intermediate certificates.");
  if (!ca.root) return judge(code, false, "There is no root certificate that the chain could lead to.");
  std::string problem = order(ca);
  if (problem.empty())
    problem = walk(ca.intermediates.front().get(), std::span(ca.intermediates).subspan(1), ca.root->get(), now);
  Validation result = judge(code, problem.empty(),
                            problem.empty() ? "The chain leads to the root."
                                            : fmt::format("The chain does not lead to the root: {}.", problem));
  result.details = problem;
  return result;
}

Validation check_ca_usage(const CaChain& ca) {
  const char* code = "CA_CERTIFICATE_USAGE";
  if (!ca.root) return not_available(code, "There is no root certificate.");
  std::vector<X509*> all = {ca.root->get()};
  for (const Certificate& one : ca.intermediates) all.push_back(one.get());
  for (X509* certificate : all)
    if (!may_sign_certificates(certificate))
      return judge(
          code, false,
          fmt::format("\"{}\" is not a CA's certificate; wanted basicConstraints with CA:TRUE and, where there "
                      "is a keyUsage, keyCertSign in it.",
                      subject(certificate)));
  return judge(code, true, "Root and intermediates are certificates of CAs.");
}

Validation check_leads_to_root(std::string code, X509* certificate, const CaChain& ca, TimePoint now) {
  if (!ca.root)
    return judge(std::move(code), false, "There is no root certificate that the certificate could lead to.");
  const std::string problem = walk(certificate, ca.intermediates, ca.root->get(), now);
  return judge(std::move(code), problem.empty(),
               problem.empty() ? "The certificate leads to the root."
                               : fmt::format("The certificate does not lead to the root: {}.", problem));
}

Validation check_signed_by(X509* certificate, const CaChain& dfsp_ca, TimePoint now) {
  const char* code = "CERTIFICATE_SIGNED_BY_DFSP_CA";
  if (dfsp_ca.empty()) return not_available(code, "The DFSP has not told which CA it has.");
  for (const Validation& validation : validate_ca(dfsp_ca, now))
    if (validation.verdict == Verdict::invalid)
      return judge(code, false, fmt::format("The DFSP's CA is not valid: {}", validation.message));
  return check_leads_to_root(code, certificate, dfsp_ca, now);
}

}  // namespace hubseal::agent
