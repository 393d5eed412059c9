#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/mcm/context.h"
#include "agent/service/certificate.h"

namespace hubseal::agent::mcm {
namespace {

Result<> add_ca(Context& context, const VaultRecord& record, const std::string& owner) {
  const std::string root = TRY(text_of(record, "rootCertificate")).value_or("");
  const std::string chain = TRY(text_of(record, "intermediateChain")).value_or("");
  const CaChain ca = TRY(CaChain::parse(root, chain));
  const auto validations = validate_ca(ca, context.now);
  context.out.import.cas.emplace_back(
      owner, store::DfspCa{root, chain, dump_json(to_json(validations)), std::string(to_string(overall(validations)))});
  compare_verdicts(context, record, validations);
  context.count("CAs of participants");
  return {};
}

Result<> add_server_cert(Context& context, const VaultRecord& record, const std::string& owner) {
  store::DfspServerCert cert{};
  cert.dfsp_id = owner;
  cert.root_certificate = TRY(text_of(record, "rootCertificate"));
  cert.intermediate_chain = TRY(text_of(record, "intermediateChain"));
  cert.server_certificate = TRY(text_of(record, "serverCertificate")).value_or("");
  const Certificate certificate = TRY(Certificate::parse(cert.server_certificate));
  const CaChain ca = TRY(CaChain::parse(cert.root_certificate.value_or(""), cert.intermediate_chain.value_or("")));
  const auto validations = validate_server_certificate(certificate, ca, {context.rules.rsa_bits}, context.now);
  cert.validations_json = dump_json(to_json(validations));
  cert.validation_state = to_string(overall(validations));
  context.out.import.server_certs.push_back(std::move(cert));
  compare_verdicts(context, record, validations);
  context.count("server certificates of participants");
  return {};
}

/// Of a kind of which a DFSP has one.
template <class Add>
void add_each(Context& context, std::string_view kind, Add add) {
  std::set<std::string> seen;
  context.for_each_record(kind, [&](const VaultRecord& record) {
    const auto owner = context.owner(record);
    if (!owner) return;
    if (!seen.insert(*owner).second) return context.leave_out(record.path, "a second one of its DFSP");
    if (const auto added = add(context, record, *owner); !added) context.leave_out(record.path, added.error().message);
  });
}

}  // namespace

void import_certificates(Context& context) {
  add_each(context, "dfsp-ca", add_ca);
  add_each(context, "dfsp-server-cert", add_server_cert);
}

}  // namespace hubseal::agent::mcm
