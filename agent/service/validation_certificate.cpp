#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "agent/service/certificate.h"
#include "agent/service/public_key.h"
#include "agent/service/validation_checks.h"
#include "agent/service/x509_words.h"
#include "common/key_types.h"
#include "common/x509/signature_algorithm.h"
#include "common/x509/weak_key.h"

namespace hubseal::agent {
namespace {

constexpr int kJwsRsaBits = 2048;
constexpr int kMaxJwsRsaBits = 8192;

/// What is wrong with it, in words; nothing for a good one.
std::string weakness(EVP_PKEY* key) {
  if (!EVP_PKEY_is_a(key, "RSA")) {
    const auto type = key_type_of(key);
    return type ? std::string() : type.error().message;
  }
  const int bits = EVP_PKEY_get_bits(key);
  if (bits > kMaxJwsRsaBits) return fmt::format("The key has {} bits; at most {} are accepted.", bits, kMaxJwsRsaBits);
  const auto found = x509::weakness_of_rsa(key);
  return found ? "The key is weak: " + *found : std::string();
}

}  // namespace

Validation judge(std::string code, bool good, std::string message) {
  return {std::move(code), good ? Verdict::valid : Verdict::invalid, std::move(message)};
}

Validation not_available(std::string code, std::string_view why) {
  return {std::move(code), Verdict::not_available, std::string(why)};
}

Validation check_signature_algorithm(std::string code, std::string_view what, int nid, const X509_ALGOR* algorithm) {
  const std::string name = signature_name(nid);
  const bool sound = x509::is_sound_signature(algorithm);
  return judge(std::move(code), sound,
               sound ? fmt::format("The {} is signed with {}.", what, name)
                     : fmt::format("The {} is signed with {}; wanted RSA or ECDSA with SHA-256, SHA-384 or SHA-512.",
                                   what, name.empty() ? "an unknown algorithm" : name));
}

Validation check_key_length(std::string code, EVP_PKEY* key, int rsa_bits) {
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_is_a(key, "RSA"))
    return judge(std::move(code), bits >= rsa_bits,
                 bits >= rsa_bits ? fmt::format("The key has at least {} bits.", rsa_bits)
                                  : fmt::format("The key has {} bits; wanted at least {}.", bits, rsa_bits));
  // An EC key is measured by its curve: P-256 outlasts RSA-2048, and its 256 bits are not RSA's.
  const auto type = key_type_of(key);
  return judge(std::move(code), type.has_value(),
               type ? fmt::format("The key is {}, which is as good as RSA of the wanted size.", to_string(*type))
                    : fmt::format("The key is neither RSA nor EC on P-256 or P-384; wanted RSA with at least {} bits "
                                  "or one of these curves.",
                                  rsa_bits));
}

Validation check_certificate_key(const X509* certificate, int rsa_bits) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  Validation found = check_key_length(fmt::format("CERTIFICATE_PUBLIC_KEY_LENGTH_{}", rsa_bits), key, rsa_bits);
  if (found.verdict == Verdict::invalid && EVP_PKEY_is_a(key, "RSA"))
    found.key_bits = KeyBits{EVP_PKEY_get_bits(key), rsa_bits};
  return found;
}

// The certificate's own dates and not the present one stand in the message, so that it changes only with the verdict.
Validation check_validity(const X509* certificate, TimePoint now) {
  std::time_t at = now.time_since_epoch().count();
  const bool begun = X509_cmp_time(X509_get0_notBefore(certificate), &at) < 0;
  const bool ended = X509_cmp_time(X509_get0_notAfter(certificate), &at) <= 0;
  std::string message;
  if (ended) message = fmt::format("The certificate expired at {}.", time_text(X509_get0_notAfter(certificate)));
  if (!begun)
    message = fmt::format("The certificate is not valid before {}.", time_text(X509_get0_notBefore(certificate)));
  Validation result = judge("CERTIFICATE_VALIDITY", begun && !ended, std::move(message));
  result.shows_state = true;
  return result;
}

Validation check_certificate_algorithm(const X509* certificate) {
  return check_signature_algorithm("CERTIFICATE_SIGNATURE_ALGORITHM", "certificate",
                                   X509_get_signature_nid(certificate), X509_get0_tbs_sigalg(certificate));
}

Validation check_server_usage(X509* certificate) {
  // All bits are set where the extension is missing.
  const bool has_usage = X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE;
  const bool server = has_usage && (X509_get_extended_key_usage(certificate) & XKU_SSL_SERVER);
  Validation result = judge("CERTIFICATE_USAGE_SERVER", server,
                            server ? "The certificate is for TLS servers."
                                   : fmt::format("The certificate's extendedKeyUsage {}; wanted one with serverAuth.",
                                                 has_usage ? "names other uses only" : "is missing"));
  result.shows_state = true;
  return result;
}

bool is_for_tls_clients(const Certificate& certificate) {
  // What a TLS server asks of it, keyUsage included; X509_check_purpose() lets a CA through.
  return X509_check_purpose(certificate.get(), X509_PURPOSE_SSL_CLIENT, 0) == 1 &&
         X509_check_ca(certificate.get()) == 0;
}

// A public key has no dates: of the two codes that clients know for it, this is the one that says what is checked.
Validation check_jws_key(std::string_view pem) {
  const char* code = "CERTIFICATE_PUBLIC_KEY_LENGTH_2048";
  const auto key = parse_public_key(pem);
  if (!key) return judge(code, false, key.error().message);
  Validation length = check_key_length(code, key->get(), kJwsRsaBits);
  if (length.verdict == Verdict::invalid) {
    if (EVP_PKEY_is_a(key->get(), "RSA")) length.key_bits = KeyBits{EVP_PKEY_get_bits(key->get()), kJwsRsaBits};
    return length;
  }
  const std::string weak = weakness(key->get());
  return weak.empty() ? length : judge(code, false, weak);
}

}  // namespace hubseal::agent
