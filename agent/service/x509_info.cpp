#include "agent/service/x509_info.h"

#include <arpa/inet.h>
#include <time.h>

#include <array>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/x509_words.h"
#include "common/bytes.h"

namespace hubseal::agent {
namespace {

constexpr std::array<std::pair<const char*, int>, 7> kAttributes = {{
    {"CN", NID_commonName},
    {"O", NID_organizationName},
    {"OU", NID_organizationalUnitName},
    {"C", NID_countryName},
    {"L", NID_localityName},
    {"ST", NID_stateOrProvinceName},
    {"E", NID_pkcs9_emailAddress},
}};

std::string utf8(const ASN1_STRING* value) {
  unsigned char* text = nullptr;
  const int bytes = ASN1_STRING_to_UTF8(&text, value);
  if (bytes < 0) {
    drain_openssl_errors();
    return {};
  }
  std::string copy(reinterpret_cast<const char*>(text), static_cast<std::size_t>(bytes));
  OPENSSL_free(text);
  return copy;
}

std::string ia5(const ASN1_IA5STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

std::string ip_text(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return {};
  return ::inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text) ? text : "";
}

void add_alternative_name(const GENERAL_NAME* name, Json& names) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(name, &type);
  if (type == GEN_DNS) names["dns"].push_back(ia5(static_cast<const ASN1_IA5STRING*>(value)));
  if (type == GEN_IPADD) names["ips"].push_back(ip_text(static_cast<const ASN1_OCTET_STRING*>(value)));
  if (type == GEN_URI) names["uris"].push_back(ia5(static_cast<const ASN1_IA5STRING*>(value)));
  if (type == GEN_EMAIL) names["emailAddresses"].push_back(ia5(static_cast<const ASN1_IA5STRING*>(value)));
}

/// `extensions` may be null. All four lists are always there.
Json extensions_info(const STACK_OF(X509_EXTENSION) * extensions) {
  Json names = {
      {"dns", Json::array()}, {"ips", Json::array()}, {"uris", Json::array()}, {"emailAddresses", Json::array()}};
  const GeneralNamesPtr found(
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i)
    add_alternative_name(sk_GENERAL_NAME_value(found.get(), i), names);
  drain_openssl_errors();
  return {{"subjectAltName", std::move(names)}};
}

/// The content bytes of the DER INTEGER: a leading zero byte where the first bit would be a sign.
std::string serial_hex(const ASN1_INTEGER* serial) {
  const BignumPtr number(ASN1_INTEGER_to_BN(serial, nullptr));
  if (!number) return {};
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), bytes.data());
  if (bytes.empty() || (bytes.front() & 0x80)) bytes.insert(bytes.begin(), 0);
  return to_hex(bytes);
}

void add_algorithm_and_key(Json& info, int signature_nid, EVP_PKEY* key) {
  if (const std::string name = signature_name(signature_nid); !name.empty()) info["signatureAlgorithm"] = name;
  if (key) info["publicKeyLength"] = EVP_PKEY_get_bits(key);
}

struct ExtensionsDeleter {
  void operator()(STACK_OF(X509_EXTENSION) * list) const { sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free); }
};

}  // namespace

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string signature_name(int nid) {
  if (nid == NID_undef) return {};
  if (nid == NID_rsassaPss) return "RSASSA-PSS";  // as the existing clients know it
  return OBJ_nid2ln(nid);
}

Json name_info(const X509_NAME* name) {
  Json info = Json::object();
  for (const auto& [label, nid] : kAttributes) {
    const int at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at >= 0) info[label] = utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  }
  return info;
}

Json csr_info(const X509_REQ* csr) {
  // Neither function changes the request; their signatures predate const.
  auto* request = const_cast<X509_REQ*>(csr);
  const std::unique_ptr<STACK_OF(X509_EXTENSION), ExtensionsDeleter> extensions(X509_REQ_get_extensions(request));
  Json info = {{"subject", name_info(X509_REQ_get_subject_name(csr))},
               {"extensions", extensions_info(extensions.get())}};
  add_algorithm_and_key(info, X509_REQ_get_signature_nid(csr), X509_REQ_get0_pubkey(request));
  drain_openssl_errors();
  return info;
}

Json participants_csr_info(const X509_REQ* csr) {
  Json info = csr_info(csr);
  info["subject"].emplace("CN", "");
  return info;
}

Json certificate_info(const X509* certificate) {
  Json info = {{"subject", name_info(X509_get_subject_name(certificate))},
               {"issuer", name_info(X509_get_issuer_name(certificate))},
               {"extensions", extensions_info(X509_get0_extensions(certificate))},
               {"serialNumber", serial_hex(X509_get0_serialNumber(certificate))},
               {"notBefore", time_text(X509_get0_notBefore(certificate))},
               {"notAfter", time_text(X509_get0_notAfter(certificate))}};
  add_algorithm_and_key(info, X509_get_signature_nid(certificate), X509_get0_pubkey(certificate));
  drain_openssl_errors();
  return info;
}

}  // namespace hubseal::agent
