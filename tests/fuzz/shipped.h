#pragma once

#include <openssl/x509v3.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "common/key_types.h"
#include "common/x509/certificate.h"

namespace hubseal::test {

/// Whether a certificate of a participant, from a P-256 CA, is what the shipped profile of this name is meant to give:
/// config/profiles written a second time, in the words of OpenSSL, so that neither the daemon's reading of the file nor
/// its lint is believed.
inline bool is_as_shipped(const x509::Certificate& certificate, std::string_view profile, ByteView spki) {
  const bool client = profile == "dfsp-client", server = profile == "dfsp-server" || profile == "hub-server";
  if (!client && !server && profile != "jws") return false;

  const auto lifetime = certificate.not_after() - certificate.not_before();
  constexpr std::chrono::days kTwoYears{730};
  if (lifetime < kTwoYears || lifetime > kTwoYears + std::chrono::minutes(5)) return false;

  const bool is_rsa_key = EVP_PKEY_get_base_id(certificate.public_key()) == EVP_PKEY_RSA;
  const std::uint32_t encipherment = is_rsa_key && (client || server) ? KU_KEY_ENCIPHERMENT : 0;  // RFC 8813: RSA only
  if (certificate.key_usage() != (KU_DIGITAL_SIGNATURE | encipherment)) return false;
  std::vector<int> purposes;
  if (client || server) purposes.push_back(client ? NID_client_auth : NID_server_auth);
  if (certificate.extended_key_usage() != purposes) return false;

  // What must be there, what may, and which of it is critical. Addresses and policies are shipped empty.
  std::set<int> missing = {NID_basic_constraints, NID_key_usage, NID_subject_key_identifier,
                           NID_authority_key_identifier};
  if (!purposes.empty()) missing.insert(NID_ext_key_usage);
  bool may_have_names = true;
  for (int i = 0; i < X509_get_ext_count(certificate.openssl()); ++i) {
    X509_EXTENSION* const extension = X509_get_ext(certificate.openssl(), i);
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    const bool critical = nid == NID_basic_constraints || nid == NID_key_usage;
    if ((X509_EXTENSION_get_critical(extension) == 1) != critical) return false;
    if (missing.erase(nid) == 1) continue;
    if (nid != NID_subject_alt_name || !std::exchange(may_have_names, false)) return false;
  }
  return missing.empty() && !certificate.is_ca() && !certificate.path_len() &&
         std::ranges::equal(certificate.spki(), spki) &&
         X509_get_signature_nid(certificate.openssl()) == NID_ecdsa_with_SHA256;
}

}  // namespace hubseal::test
