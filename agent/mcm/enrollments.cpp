#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/mcm/context.h"
#include "agent/service/certificate.h"
#include "agent/service/csr.h"
#include "agent/service/issued_certificate.h"
#include "agent/service/x509_info.h"
#include "common/log.h"

namespace hubseal::agent::mcm {
namespace {

/// What enrollments of both directions have.
struct Parts {
  std::int64_t id;
  std::string state;
  std::string csr_text;
  Csr csr;
  std::optional<std::string> certificate_text;
  std::optional<Certificate> certificate;
};

Result<std::int64_t> id_of(const VaultRecord& record) {
  const auto in_path = parse_number<std::int64_t>(record.names[1], 1);
  const auto member = record.data.find("id");
  const bool agrees = member == record.data.end() || *member == record.names[1] ||
                      (member->is_number_integer() && in_path && *member == *in_path);
  if (in_path && agrees) return *in_path;
  return fail(Code::bad_request, "its number is none, or another than its path says");
}

Result<Parts> parts_of(const VaultRecord& record) {
  const std::int64_t id = TRY(id_of(record));
  const std::string state = TRY(text_of(record, "state")).value_or("");
  std::string csr_text = TRY(text_of(record, "csr")).value_or("");
  Csr csr = TRY(Csr::parse(csr_text));
  Parts parts{id, state, std::move(csr_text), std::move(csr), TRY(text_of(record, "certificate")), std::nullopt};
  if (parts.certificate_text) parts.certificate = TRY(Certificate::parse(*parts.certificate_text));
  if (state != (parts.certificate ? store::kCertSigned : store::kCsrLoaded))
    return fail(
        Code::bad_request,
        fmt::format("its state is \"{}\" {} a certificate; wanted CSR_LOADED without one or CERT_SIGNED with one",
                    log::printable(state, 24), parts.certificate ? "with" : "without"));
  return parts;
}

class Enrollments {
 public:
  explicit Enrollments(Context& context) : context_(context) {}

  Result<> add_inbound(const VaultRecord& record, const std::string& owner) {
    const Parts parts = TRY(take(record));
    if (!parts.certificate) TRY(take_open(parts, owner));
    store::InboundEnrollment e;
    std::optional<IssuedCertificate> certificate;
    if (parts.certificate) {
      certificate = TRY(IssuedCertificate::parse(*parts.certificate_text));
      e.cert_info_json = dump_json(certificate_info(certificate->get()));
    }
    const auto validations =
        validate_inbound(parts.csr, certificate ? &*certificate : nullptr, {context_.rules.rsa_bits}, context_.now);
    fill(e, parts, owner);
    e.csr_info_json = dump_json(participants_csr_info(parts.csr.get()));
    e.validations_json = dump_json(to_json(validations));
    e.validation_state = to_string(overall(validations));
    context_.out.import.inbound.push_back({std::move(e), parts.csr.canonical_pem()});
    compare_verdicts(context_, record, validations);
    context_.count("enrollments of participants");
    return {};
  }

  Result<> add_outbound(const VaultRecord& record, const std::string& owner) {
    const Parts parts = TRY(take(record));
    store::OutboundEnrollment e;
    if (parts.certificate) e.cert_info_json = dump_json(certificate_info(parts.certificate->get()));
    const auto validations = validate_outbound(parts.csr, parts.certificate ? &*parts.certificate : nullptr,
                                               TRY(ca_of(owner)), {context_.rules.rsa_bits}, context_.now);
    fill(e, parts, owner);
    e.csr_info_json = dump_json(csr_info(parts.csr.get()));
    e.key_label = fmt::format("{}{}", store::kNotInHsm, parts.id);
    if (parts.certificate) {
      e.validations_json = dump_json(to_json(validations));
      e.validation_state = std::string(to_string(overall(validations)));
    }
    context_.out.import.outbound.push_back(std::move(e));
    context_.change(record.path,
                    fmt::format("the hub's key is not in the HSM: it is shown and never used{}. Have a new one made",
                                parts.certificate ? "; revoke the certificate that its DFSP made" : ""));
    context_.count("enrollments of the hub");
    return {};
  }

 private:
  /// Under a number that no other has.
  Result<Parts> take(const VaultRecord& record) {
    Parts parts = TRY(parts_of(record));
    auto& counter = context_.out.import.counters.enrollment;
    counter = std::max(counter, parts.id);
    if (!numbers_.insert(parts.id).second) return fail(Code::conflict, "another enrollment has its number");
    return parts;
  }

  /// What waits is told apart by its CSR, and does not wait in any number.
  Result<> take_open(const Parts& parts, const std::string& owner) {
    auto& open = open_[owner];
    if (const auto [other, is_new] = open.emplace(parts.csr.canonical_pem(), parts.id); !is_new)
      return fail(Code::conflict, fmt::format("enrollment {} waits with the same CSR", other->second));
    if (open.size() > store::kMaxOpenEnrollments)
      return fail(Code::conflict, fmt::format("{} of its DFSP wait already", store::kMaxOpenEnrollments));
    return {};
  }

  template <class Enrollment>
  static void fill(Enrollment& e, const Parts& parts, const std::string& owner) {
    e.id = parts.id;
    e.dfsp_id = owner;
    e.state = parts.state;
    e.csr = parts.csr_text;
    e.certificate = parts.certificate_text;
  }

  Result<CaChain> ca_of(const std::string& owner) const {
    for (const auto& [dfsp_id, ca] : context_.out.import.cas)
      if (dfsp_id == owner) return CaChain::parse(ca.root_certificate, ca.intermediate_chain);
    return CaChain();
  }

  Context& context_;
  std::set<std::int64_t> numbers_;
  std::map<std::string, std::map<std::string, std::int64_t>> open_;
};

}  // namespace

void import_enrollments(Context& context) {
  Enrollments enrollments(context);
  const auto add_each = [&](std::string_view kind, auto add) {
    context.for_each_record(kind, [&](const VaultRecord& record) {
      const auto owner = context.owner(record);
      if (!owner) return;
      if (const auto added = (enrollments.*add)(record, *owner); !added)
        context.leave_out(record.path, added.error().message);
    });
  };
  add_each("dfsp-inbound-enrollment", &Enrollments::add_inbound);
  add_each("dfsp-outbound-enrollment", &Enrollments::add_outbound);
}

}  // namespace hubseal::agent::mcm
