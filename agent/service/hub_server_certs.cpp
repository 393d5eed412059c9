#include "agent/service/hub_server_certs.h"

#include <algorithm>

#include <fmt/ranges.h>
#include <openssl/x509v3.h>
#include <nlohmann/json.hpp>

#include "agent/service/certificate.h"
#include "agent/service/configured_names.h"
#include "agent/service/consent.h"
#include "agent/service/csr.h"
#include "agent/service/issued_certificate.h"
#include "agent/service/pem.h"
#include "agent/service/revocations.h"
#include "common/log.h"
#include "common/random.h"
#include "common/x509/certificate.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxRoots = 512;  // more than hubseald's bundle and the file have

/// Never asked for twice: a label whose CSR was lost on its way stays taken for ever.
Result<std::string> new_label(TimePoint now) {
  const auto hash = sha256(as_bytes(TRY(random_secret())));
  return fmt::format("{}{:.10}-{:.8}", kServerKeyPrefix, format_utc(now), to_hex(hash));
}

/// What the daemon knows this signing by.
std::string request_of(const store::WantedHubServerCert& wanted) {
  return fmt::format("hub-server-{:.32}", to_hex(sha256(as_bytes(*wanted.csr))));
}

/// Of what was asked for before: whether it is refused for good, nobody but people can tell.
tl::unexpected<Error> tell_way_out(Error error, const store::WantedHubServerCert& wanted) {
  if (error.code == Code::policy_denied || error.code == Code::conflict)
    error.message += fmt::format(
        ". This was asked for before, with key \"{}\"; where it has to be another key, PUT with \"anew\": true makes "
        "one",
        wanted.key_label);
  return tl::unexpected(std::move(error));
}

Result<std::vector<std::string>> chain_of(std::string_view pem) {
  return blocks_of(pem, "chain", kMaxChainCertificates + 1);
}

/// The root is the last of `chain`, where there is one; what is below it leads there.
Result<CaChain> chain_below(const std::vector<std::string>& chain, const std::optional<std::string>& root) {
  std::string below;
  for (const std::string& one : chain)
    if (one != root) below += one + "\n";
  return CaChain::parse(root.value_or(""), below);
}

void set_verdicts(store::HubServerCert& certificate, const std::vector<Validation>& validations) {
  certificate.validations_json = dump_json(to_json(validations));
  certificate.validation_state = to_string(overall(validations));
}

/// Whatever their texts look like.
bool is_same(const store::HubServerCert& one, const store::HubServerCert& other) {
  const auto a = Certificate::parse(one.server_certificate), b = Certificate::parse(other.server_certificate);
  return a && b && X509_cmp(a->get(), b->get()) == 0;
}

Result<x509::SubjectAltNames> names_of(const Certificate& certificate) {
  const GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  drain_openssl_errors();
  return names ? x509::SubjectAltNames::parse(names.get()) : x509::SubjectAltNames();
}

bool has(const std::vector<std::string>& list, const std::string& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

/// A wildcard stands for one label, the first (RFC 9525 section 6.3).
bool covers(const x509::SubjectAltNames& names, const x509::SubjectAltNames& wanted) {
  const auto by_name = [&](const std::string& dns) {
    const auto dot = dns.find('.');
    return has(names.dns(), dns) || (dot != std::string::npos && has(names.dns(), "*" + dns.substr(dot)));
  };
  const auto by_address = [&](const std::string& ip) { return has(names.ip(), ip); };
  return std::all_of(wanted.dns().begin(), wanted.dns().end(), by_name) &&
         std::all_of(wanted.ip().begin(), wanted.ip().end(), by_address);
}

std::string text_of(const x509::SubjectAltNames& names) {
  std::vector<std::string> all = names.dns();
  all.insert(all.end(), names.ip().begin(), names.ip().end());
  return all.empty() ? "nobody" : log::printable(fmt::format("{}", fmt::join(all, ", ")), 200);
}

}  // namespace

Result<std::string> HubServerCerts::asked() const {
  if (!policy_.wish || !policy_.wish->profile || !policy_.hub_id)
    return fail(Code::conflict,
                "this hub makes no server certificates: wanted server_profile and id in [hub], and a section "
                "[server_key], in the agent's configuration");
  const NewKey& key = policy_.wish->key;
  return dump_json({{"ca", policy_.ca},
                    {"profile", *policy_.wish->profile},
                    {"hub", *policy_.hub_id},
                    {"type", to_string(key.type)},
                    {"subject", key.subject.text()},
                    {"dns", key.names.dns()},
                    {"ip", key.names.ip()}});
}

bool HubServerCerts::is_good(const store::HubServerCert& in_use) const {
  const auto wish = asked();
  if (in_use.asked && (!wish || *wish != *in_use.asked)) return false;
  const auto certificate = Certificate::parse(in_use.server_certificate);
  std::time_t now = clock_.now().time_since_epoch().count();
  return certificate && X509_cmp_time(X509_get0_notAfter(certificate->get()), &now) > 0 &&
         revocations_.state_of(in_use.server_certificate) != Revocations::State::revoked;  // on hold may come back
}

HubServerCerts::Shown HubServerCerts::shown(std::optional<store::HubServerCert> in_use,
                                            std::optional<std::string> approval_json) const {
  if (in_use) revocations_.add_to(in_use->server_certificate, in_use->validations_json, in_use->validation_state);
  return {std::move(in_use), std::move(approval_json)};
}

Result<HubServerCerts::Shown> HubServerCerts::get(const Caller& caller) {
  auto in_use = TRY(table_.find());
  auto wanted = TRY(table_.wanted());
  if (wanted && wanted->approval_json && has_consent(daemon_, *wanted->approval_json)) {
    auto finished = issue(caller, *wanted);
    if (finished) return finished;
    log::warning("the hub's server certificate, which was approved, could not be issued",
                 {{"key", wanted->key_label}, {"problem", finished.error().message}});
    wanted = TRY(table_.wanted());
  }
  const auto approval_json = wanted ? wanted->approval_json : std::nullopt;
  if (!in_use && !approval_json) return fail(Code::not_found, "the hub has no server certificate");
  return shown(std::move(in_use), approval_json);
}

Result<HubServerCerts::Shown> HubServerCerts::make(const Caller& caller) {
  const auto in_use = TRY(table_.find());
  if (in_use && is_good(*in_use)) return get(caller);
  return replace(caller, in_use, false);
}

Result<HubServerCerts::Shown> HubServerCerts::renew(const Caller& caller, bool anew) {
  return replace(caller, TRY(table_.find()), anew);
}

Result<HubServerCerts::Shown> HubServerCerts::replace(const Caller& caller,
                                                      const std::optional<store::HubServerCert>& seen, bool anew) {
  const TimePoint now = clock_.now();
  auto reserved = TRY(table_.reserve({.key_label = TRY(new_label(now)), .asked = TRY(asked())}, seen, anew, now));
  if (!reserved) return get(caller);
  log_given_up(caller, reserved->given_up);
  store::WantedHubServerCert place = std::move(reserved->place);
  const bool again = place.csr.has_value();
  if (!again) TRY(make_csr(caller, place));
  auto made = issue(caller, place);
  if (!made && again && TRY(table_.wanted())) return tell_way_out(std::move(made).error(), place);
  return made;
}

// A key whose certificate nobody can issue would stay in the HSM for nothing.
Result<std::string> HubServerCerts::csr_of_new_key(const std::string& label) {
  TRY(require_names(daemon_, {{ConfiguredName::Kind::issuer, "[hub] ca", policy_.ca},
                              {ConfiguredName::Kind::profile, "[hub] server_profile", *policy_.wish->profile}}));
  return daemon_.create_csr(label, policy_.wish->key);
}

Result<> HubServerCerts::make_csr(const Caller& caller, store::WantedHubServerCert& place) {
  const auto made = csr_of_new_key(place.key_label);
  const auto csr = made ? Csr::parse(*made) : tl::unexpected(made.error());
  if (!csr) {
    TRY(table_.release(place));
    if (!made) return tl::unexpected(made.error());
    return fail(Code::internal, "the signing daemon's answer: " + csr.error().message);
  }
  place.csr = *made;
  TRY(table_.store_csr(place));
  log::info("server key of the hub made", {{"key", place.key_label}, {"correlation", caller.correlation_id}});
  return {};
}

Result<HubServerCerts::Shown> HubServerCerts::issue(const Caller& caller, store::WantedHubServerCert wanted) {
  TRY(asked());  // it may have been taken out of the configuration meanwhile
  const auto issued =
      daemon_.issue_certificate({policy_.ca, *policy_.wish->profile, *policy_.hub_id, request_of(wanted), *wanted.csr});
  if (!issued && issued.error().code == Code::approval_required) {
    wanted.approval_json = waiting_json(daemon_, issued.error().approval);
    TRY(table_.note_approval(wanted));
    log::info("the hub's server certificate waits for approval",
              {{"approval", issued.error().approval}, {"correlation", caller.correlation_id}});
    return shown(TRY(table_.find()), wanted.approval_json);
  }
  if (!issued) return tl::unexpected(issued.error());
  // The answer before was lost, and people have revoked what nobody used. What is on hold may come back.
  if (issued->state == "revoked") {
    TRY(table_.release(wanted));
    log::warning("server certificate of the hub was revoked before it was used; its key is of no use any more",
                 {{"key", wanted.key_label}, {"serial", issued->serial}, {"correlation", caller.correlation_id}});
  }
  TRY(check_in_force(*issued));
  return put_in_use(caller, wanted, issued->certificate);
}

Result<HubServerCerts::Shown> HubServerCerts::put_in_use(const Caller& caller, const store::WantedHubServerCert& wanted,
                                                         std::string_view issued_pem) {
  const auto certificate = TRY(judged(wanted, issued_pem));
  const auto completed = table_.complete(certificate, clock_.now());
  if (!completed && completed.error().code != Code::conflict) return tl::unexpected(completed.error());
  if (completed && is_same(completed->in_use, certificate))
    log::info("server certificate of the hub issued",
              {{"key", wanted.key_label},
               {"verdict", certificate.validation_state},
               {"to_revoke_the_one_before", revoke_command(completed->before, certificate)},
               {"correlation", caller.correlation_id}});
  else
    log::warning("server certificate of the hub issued and not used, it stays valid",
                 {{"key", wanted.key_label},
                  {"to_revoke_it", revoke_command(certificate)},
                  {"correlation", caller.correlation_id}});
  return shown(TRY(completed).in_use);
}

Result<store::HubServerCert> HubServerCerts::judged(const store::WantedHubServerCert& wanted,
                                                    std::string_view issued_pem) {
  const IssuedCertificate issued = TRY(IssuedCertificate::parse(issued_pem));
  const Csr csr = TRY(Csr::parse(*wanted.csr));
  if (EVP_PKEY_eq(csr.key(), issued.key()) != 1)
    return fail(Code::internal, "the signing daemon's certificate for the hub's server is for another key");
  const auto ca = TRY(daemon_.get_ca(policy_.ca));
  store::HubServerCert certificate{.key_label = wanted.key_label,
                                   .asked = wanted.asked,
                                   .root_certificate = {},
                                   .chain = TRY(chain_of(ca.certificate + "\n" + ca.chain)),
                                   .server_certificate = issued.pem(),
                                   .validations_json = {},
                                   .validation_state = {}};
  if (!certificate.chain.empty()) certificate.root_certificate = certificate.chain.back();
  const CaChain chain = TRY(chain_below(certificate.chain, certificate.root_certificate));
  set_verdicts(certificate,
               validate_server_certificate(TRY(Certificate::parse(issued.pem())), chain, policy_.rules, clock_.now()));
  return certificate;
}

// Others may stand in it, as in certificates that are bought: to clients of the hub these say nothing.
Result<> HubServerCerts::check_names(const Certificate& certificate) const {
  if (!policy_.wish)
    return fail(Code::conflict,
                "this hub has no names for its servers: wanted a section [server_key] with dns or ip in the agent's "
                "configuration, for which a certificate can be brought");
  const auto names = names_of(certificate);
  if (!names) return fail(names.error().code, "serverCertificate: " + names.error().message);
  const x509::SubjectAltNames& wanted = policy_.wish->key.names;
  if (covers(*names, wanted)) return {};
  return fail(Code::policy_denied, fmt::format("serverCertificate: it is for {}; wanted {} of [server_key] in the "
                                               "agent's configuration",
                                               text_of(*names), text_of(wanted)));
}

// Participants trust what is shown here: one person over REST is not to choose it.
Result<> HubServerCerts::check_root(const Certificate& root) {
  const std::string known = TRY(daemon_.get_trust_bundle()).anchors + "\n" + policy_.roots;
  for (const std::string_view block : TRY(split_blocks(known, "roots", kMaxRoots)))
    if (const auto one = Certificate::parse(block); one && X509_cmp(one->get(), root.get()) == 0) return {};
  return fail(Code::policy_denied,
              "rootCertificate: it is none of hubseald's, and none that this host was told of; wanted it in the file "
              "that server_roots_file in [hub] of the agent's configuration names");
}

Result<std::optional<std::string>> HubServerCerts::vouched_key(const Certificate& certificate) {
  const auto record = TRY(issued_record(daemon_, policy_.ca, certificate));
  if (record && record->state != "issued")
    return fail(Code::policy_denied,
                fmt::format("serverCertificate: hubseald issued it, and it is {} by now", record->state));
  if (auto key = TRY(daemon_.find_key(certificate.key()))) {
    if (key->use == "tls" && key->state == "active") return std::move(key->label);
    return fail(Code::policy_denied,
                fmt::format("serverCertificate: its key \"{}\" in the key room is for {} and {}; wanted one for tls "
                            "that is active",
                            key->label, key->use, key->state));
  }
  if (record && record->subject == policy_.hub_id) return std::nullopt;
  return fail(
      Code::policy_denied,
      "serverCertificate: its key is none of the key room's, and it was not issued there for the hub. Make the "
      "key on the signing host (hubseal csr create), or have its CSR signed there (hubseal cert issue --profile "
      "hub-server)");
}

Result<HubServerCerts::Shown> HubServerCerts::bring(const Caller& caller, const Brought& brought) {
  const auto certificate = Certificate::parse(brought.certificate);
  if (!certificate)
    return fail(certificate.error().code, fmt::format("serverCertificate: {}", certificate.error().message));
  const CaChain ca = TRY(CaChain::parse(brought.root, brought.chain));
  const auto validations = validate_server_certificate(*certificate, ca, policy_.rules, clock_.now());
  TRY(refuse_invalid(validations, "the certificate cannot be used"));
  store::HubServerCert wanted{.key_label = {},
                              .asked = {},
                              .root_certificate = {},
                              .chain = TRY(chain_of(brought.chain)),
                              .server_certificate = brought.certificate,
                              .validations_json = {},
                              .validation_state = {}};
  if (!brought.root.empty()) wanted.root_certificate = brought.root;
  set_verdicts(wanted, validations);
  const auto in_use = TRY(table_.find());
  if (in_use) wanted.key_label = in_use->key_label;
  if (in_use == wanted) return shown(wanted);
  TRY(check_names(*certificate));
  if (ca.root) TRY(check_root(*ca.root));  // without one it was INVALID
  wanted.key_label = TRY(vouched_key(*certificate));
  const auto before = TRY(table_.put(wanted, clock_.now()));
  log_given_up(caller, before.wanted);
  log::info("server certificate of the hub brought",
            {{"key", wanted.key_label.value_or("-")},
             {"to_revoke_the_one_before", revoke_command(before.in_use, wanted)},
             {"correlation", caller.correlation_id}});
  return shown(wanted);
}

// Its certificate may have been issued, where the answer was lost: hubseald's list says so, by the request.
void HubServerCerts::log_given_up(const Caller& caller, const std::optional<store::WantedHubServerCert>& wanted) const {
  if (!wanted || !wanted->csr) return;
  log::warning("the hub's next server certificate is wanted no more; if it was issued it stays valid",
               {{"key", wanted->key_label},
                {"request", request_of(*wanted)},
                {"to_look_for_it", fmt::format("hubseal cert list --json --ca {} --participant {}", policy_.ca,
                                               policy_.hub_id.value_or(""))},
                {"correlation", caller.correlation_id}});
}

// What was brought and is for a key of hubseald's may be of another CA, which is to revoke it.
std::string HubServerCerts::revoke_command(const store::HubServerCert& removed) const {
  if (!removed.asked && removed.key_label) return {};
  const auto serial = Certificate::parse(removed.server_certificate).and_then(serial_of);
  if (!serial) {
    log::warning("the command that revokes a server certificate of the hub cannot be told",
                 {{"problem", serial.error().message}});
    return {};
  }
  return fmt::format("hubseal cert revoke {} --ca {} --reason superseded", serial->hex(), policy_.ca);
}

std::string HubServerCerts::revoke_command(const std::optional<store::HubServerCert>& before,
                                           const store::HubServerCert& in_use) const {
  return before && !is_same(*before, in_use) ? revoke_command(*before) : "";
}

Result<std::string> HubServerCerts::remove(const Caller& caller) {
  const auto removed = TRY(table_.remove());
  log_given_up(caller, removed.wanted);
  const std::string command = removed.in_use ? revoke_command(*removed.in_use) : "";
  log::info("server certificate of the hub taken out of use, not revoked",
            {{"to_revoke_it", command}, {"correlation", caller.correlation_id}});
  return command;
}

}  // namespace hubseal::agent
