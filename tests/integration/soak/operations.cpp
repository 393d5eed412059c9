#include "tests/integration/soak/operations.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/integration/soak/csr_maker.h"
#include "tests/integration/soak/status.h"

namespace hubseal::test {
namespace {

constexpr std::size_t kMaxProblems = 20;
constexpr std::size_t kMaxRemembered = 2000;  // so that the client does not grow either

Json issue_fields(const std::string& request, const std::string& csr) {
  return {{"ca", "soak-ca"}, {"profile", "dfsp-client"}, {"subject", "bank1"}, {"request", request}, {"csr", csr}};
}

/// Only what every peer may send and nobody may have granted.
Ask refused(std::mt19937& random) {
  switch (random() % 5) {
    case 0: return {"undecodable", "{\"v\":1,\"id\":\"soak\",\"op\":\n", "bad_request"};
    case 1: return {"undecodable", "{\"v\":1,\"v\":1,\"id\":\"soak\",\"op\":\"health\"}\n", "bad_request"};
    case 2: return ask("health", {{"surprise", 1}}, "bad_request");
    case 3: return ask("sign_digest", Json::object(), "forbidden");
    default: return {"undecodable", "[[[[[[[[[[[[]]]]]]]]]]]]\n", "bad_request"};
  }
}

Ask jws(std::mt19937& random) {
  const std::string payload(4 * (1 + random() % 300), 'A');
  const auto message = [&](const char* source, const char* expected) {
    return ask("sign_fspiop",
               {{"key", "soak-p256"}, {"method", "PUT"}, {"uri", "/quotes/1"}, {"source", source}, {"body", payload}},
               expected);
  };
  switch (random() % 11) {
    case 0: return reading("get_public_key", {{"key", "soak-rsa"}});
    case 8: return message("hub", "ok");
    case 9: return message("bank1", "forbidden");
    case 10: return reading("get_jwks", Json::object());
    case 1: return ask("sign_jws", {{"key", "soak-ca"}, {"payload", payload}}, "forbidden");
    case 2: return ask("sign_jws", {{"key", "soak-rsa"}, {"payload", "====="}}, "bad_request");
    case 3: return ask("list_keys", Json::object(), "forbidden");
    case 4:
    case 5: return ask("sign_jws", {{"key", "soak-rsa"}, {"payload", payload}});
    default: return ask("sign_jws", {{"key", "soak-p256"}, {"payload", payload}, {"detached", true}});
  }
}

Ask read_register(std::mt19937& random) {
  return random() % 2 ? reading("list_subjects", {{"limit", 10}}) : reading("get_subject", {{"subject", "bank2"}});
}

Ask read_consent(std::mt19937& random) {
  switch (random() % 3) {
    case 0: return reading("list_approvers", Json::object());
    case 1: return ask("get_approval", {{"approval", "a-999999999"}}, "not_found");
    default: return reading("list_approvals", {{"limit", 10}});
  }
}

}  // namespace

Ask Soak::next(const std::string& socket, std::mt19937& random) {
  const auto dice = random() % 10;
  if (dice == 0) return refused(random);
  if (dice == 1) return reading(random() % 2 ? "health" : "version", Json::object());
  if (socket == "jws") return jws(random);
  if (socket == "audit") return audit(random);
  if (socket == "admin" && dice == 2) return administer(random);
  switch (random() % 16) {
    case 13: return ask_status(random);
    case 14: return reading("get_trust_bundle", Json::object());
    case 0: return reading("list_certificates", {{"limit", 20}});
    case 1: return reading(random() % 2 ? "get_ca" : "get_crl", {{"ca", "soak-ca"}});
    case 2: return get_certificate(random);
    case 3: return socket == "admin" ? make_key() : ask("create_key", Json::object(), "forbidden");
    case 4: return reading("list_keys", Json::object());
    case 5: return issue_again(socket, random);
    case 6: return ask("issue_certificate", issue_fields(fmt::format("bad-{}", ++requests_), "no CSR"), "bad_request");
    case 7: return make_csr_key();
    case 8: return socket == "admin" ? make_ca() : ask("create_ca", Json::object(), "forbidden");
    case 9: return read_register(random);
    case 10: return read_consent(random);
    case 11:
    case 12: {
      auto step = consent_.next(socket, random);
      return step ? *std::move(step) : reading("list_approvals", {{"state", "pending"}, {"limit", 20}});
    }
    default: return issue(socket);
  }
}

/// What auditors and witnesses read, and once in a while a cosignature of what is no checkpoint.
Ask Soak::audit(std::mt19937& random) {
  switch (random() % 6) {
    case 0: return ask("get_ca", {{"ca", "soak-ca"}}, "forbidden");
    case 1: return reading("list_records", {{"after", random() % 200}, {"limit", 5}});
    case 2: return reading("prove_record", {{"record", 1}});
    case 3: return reading("prove_consistency", {{"from", 1}});
    case 4: return ask("add_cosignature", {{"note", "nothing"}}, "bad_request");
    default: return reading("get_checkpoint", Json::object());
  }
}

/// One participant is stopped and goes on again: by one client after the other, so that each step is as expected.
Ask Soak::suspend_or_resume() {
  const Stop before = std::exchange(state_.lock()->stop, Stop::on_its_way);
  if (before == Stop::on_its_way) return reading("get_subject", {{"subject", "stopped"}});
  const bool resumes = before == Stop::stopped;
  Ask made = ask(resumes ? "resume_subject" : "suspend_subject", {{"subject", "stopped"}});
  made.then = [this, resumes](const Json&) { state_.lock()->stop = resumes ? Stop::active : Stop::stopped; };
  return made;
}

/// A certificate of a client's, on hold and released again: by one after the other, so that each step is as expected.
Ask Soak::hold_or_release(std::mt19937& random) {
  {
    auto state = state_.lock();
    if (!state->on_hold.empty()) {
      const std::string serial = std::move(state->on_hold.back());
      state->on_hold.pop_back();
      return ask("release_certificate", {{"ca", "soak-ca"}, {"serial", serial}});
    }
  }
  const Issued earlier = any_issued(random);
  if (earlier.serial.empty() || !held_once(earlier.serial)) return reading("get_crl", {{"ca", "soak-ca"}});
  Ask made = ask("revoke_certificate", {{"ca", "soak-ca"}, {"serial", earlier.serial}, {"reason", "certificate_hold"}});
  made.then = [this, serial = earlier.serial](const Json&) { state_.lock()->on_hold.push_back(serial); };
  return made;
}

/// Whether nobody had it on hold before: two clients at once would get in each other's way.
bool Soak::held_once(const std::string& serial) { return state_.lock()->held.insert(serial).second; }

/// What only the security team may do, and does rarely.
Ask Soak::administer(std::mt19937& random) {
  if (random() % 2)
    if (auto step = lives_.next()) return *std::move(step);
  switch (random() % 10) {
    case 9: return suspend_or_resume();
    case 7:
    case 8: return hold_or_release(random);
    case 6:
      return reading("check_ca",
                     {{"ca", "soak-never"},
                      {"profile", "test-root"},
                      {"key_type", "ec_p384"},
                      {"subject", {{"common_name", "x"}, {"organization", "Test Hub"}, {"country", "KE"}}}});
    case 0: return ask("load_policy", Json::object());
    case 1: return reading("get_policy", Json::object());
    case 2: return reading("list_policies", {{"limit", 5}});
    case 3: {
      const std::string bank = fmt::format("other{}", random() % 20);
      return ask("set_subject", {{"subject", bank},
                                 {"organization", "Other Bank"},
                                 {"country", "KE"},
                                 {"names", {{"dns", {fmt::format("h{}.{}.example", random() % 3, bank)}}}}});
    }
    default: return consent_.change_approvers();
  }
}

Soak::Issued Soak::any_issued(std::mt19937& random) {
  auto state = state_.lock();
  return state->issued.empty() ? Issued() : state->issued[random() % state->issued.size()];
}

Ask Soak::issue(const std::string& socket) {
  const std::string request = fmt::format("r-{}", ++requests_), csr = make_csr();
  Ask made = ask("issue_certificate", issue_fields(request, csr));
  made.then = [this, request](const Json& certificate) { remember(request, certificate["serial"]); };
  auto state = state_.lock();
  auto& issued = state->issued;
  if (issued.size() >= kMaxRemembered) issued.erase(issued.begin(), issued.begin() + kMaxRemembered / 2);
  issued.push_back({socket, request, csr, ""});
  return made;
}

/// Another client's request once more, perhaps while that one still waits for its answer.
Ask Soak::issue_again(const std::string& socket, std::mt19937& random) {
  const Issued earlier = any_issued(random);
  const bool own = earlier.socket == socket;  // request ids belong to a peer entry
  if (own && random() % 2) return ask("issue_certificate", issue_fields(earlier.request, earlier.csr));
  if (earlier.serial.empty()) return reading("health", Json::object());
  if (own && random() % 2) return ask("issue_certificate", issue_fields(earlier.request, make_csr()), "conflict");
  const std::string fresh = fmt::format("again-{}", ++requests_);
  return ask("issue_certificate", issue_fields(fresh, earlier.csr), "policy_denied");
}

Ask Soak::get_certificate(std::mt19937& random) {
  const Issued earlier = any_issued(random);
  if (earlier.serial.empty()) return ask("get_certificate", {{"ca", "soak-ca"}, {"serial", "00ff"}}, "not_found");
  return reading("get_certificate", {{"ca", "soak-ca"}, {"serial", earlier.serial}});
}

/// OCSP about one that was issued, or about one that nobody knows; with a nonce every other time.
Ask Soak::ask_status(std::mt19937& random) {
  const Issued earlier = any_issued(random);
  const std::string serial = earlier.serial.empty() ? "00ff" : earlier.serial;
  return reading("get_ocsp", {{"request", ocsp_request(ca_, serial, random() % 2 == 0)}});
}

namespace {

/// Every second call makes one as long as there may be more; the others must be refused.
std::optional<unsigned> one_more(std::atomic<unsigned>& asked, unsigned most) {
  const unsigned number = ++asked;
  if (number % 2 == 0 || number > 2 * most) return std::nullopt;
  return number;
}

}  // namespace

Ask Soak::make_key() {
  const auto number = one_more(keys_, kMaxJwsKeys);
  if (!number) return ask("create_key", {{"label", "soak-rsa"}, {"type", "ec_p256"}, {"use", "jws"}}, "conflict");
  return ask("create_key", {{"label", fmt::format("made-{}", *number)}, {"type", "ec_p256"}, {"use", "jws"}});
}

Ask Soak::make_csr_key() {
  const auto number = one_more(csrs_, kMaxCsrs);
  const std::string label = number ? fmt::format("tls-{}", *number) : "soak-rsa";
  return ask("create_csr",
             {{"label", label}, {"type", "ec_p256"}, {"subject", Json::object()}, {"dns", {label + ".example.com"}}},
             number ? "ok" : "conflict");
}

/// A key for it first, then, once that was answered, the CA.
Ask Soak::make_ca() {
  const auto creation = [](const std::string& name, const std::string& expected) {
    const Json subject = {{"common_name", name}, {"organization", "Test Hub"}, {"country", "KE"}};
    return ask("create_ca", {{"ca", name}, {"key", name}, {"profile", "test-root"}, {"subject", subject}}, expected);
  };
  {
    auto state = state_.lock();
    if (!state->ca_keys.empty()) {
      const std::string label = std::move(state->ca_keys.back());
      state->ca_keys.pop_back();
      return creation(label, "ok");
    }
  }
  const auto number = one_more(cas_, kMaxCas);
  if (!number) return creation("soak-ca", "conflict");
  const std::string label = fmt::format("ca-{}", *number);
  Ask made = ask("create_key", {{"label", label}, {"type", "ec_p256"}, {"use", "ca"}});
  made.then = [this, label](const Json&) { state_.lock()->ca_keys.push_back(label); };
  return made;
}

std::vector<std::string> Soak::left_out() {
  auto state = state_.lock();
  std::vector<std::string> missing;
  // Not in the mix: seal and unseal, which would stop the others; keep_key, which races with the end of the key; and
  // what needs an outside root or a key of another program.
  for (const std::string op : {"health",
                               "version",
                               "list_keys",
                               "get_public_key",
                               "create_key",
                               "check_ca",
                               "create_ca",
                               "get_ca",
                               "issue_certificate",
                               "get_certificate",
                               "list_certificates",
                               "create_csr",
                               "sign_jws",
                               "sign_fspiop",
                               "get_jwks",
                               "set_subject",
                               "get_subject",
                               "list_subjects",
                               "load_policy",
                               "get_policy",
                               "list_policies",
                               "list_approvals",
                               "get_approval",
                               "approve",
                               "submit_approval",
                               "list_approvers",
                               "add_approver",
                               "remove_approver",
                               "revoke_certificate",
                               "release_certificate",
                               "suspend_subject",
                               "resume_subject",
                               "get_crl",
                               "get_ocsp",
                               "get_trust_bundle",
                               "confirm_backup",
                               "activate_key",
                               "suspend_key",
                               "deactivate_key",
                               "destroy_key",
                               "cross_certify",
                               "retire_ca",
                               "list_records",
                               "get_checkpoint",
                               "prove_record",
                               "prove_consistency"})
    if (!state->counts.contains(op + " ok")) missing.push_back(op);
  return missing;
}

void Soak::judge(const Ask& asked, std::string_view reply) {
  const auto parsed = parse_json(reply, {.max_depth = 10, .max_members = 4096});
  if (!parsed) return fault("not JSON: " + std::string(reply.substr(0, 200)));
  const std::string result = parsed->contains("ok") ? "ok" : (*parsed)["error"]["code"].get<std::string>();
  // On a busy machine two keys may take longer than the third waits for its turn.
  const bool no_turn = result == "hsm_busy" && (asked.what == "create_key" || asked.what == "create_csr");
  if (result != asked.expected && !no_turn)
    return fault(fmt::format("{}: wanted {}, got {:.500}", asked.what, asked.expected, reply));
  {
    auto state = state_.lock();
    ++state->counts[asked.what + " " + result];
    if (asked.recorded) ++state->recorded[asked.what + " " + result];
  }
  if (asked.then && !no_turn) asked.then((*parsed)[result == "ok" ? "ok" : "error"]);
}

void Soak::remember(const std::string& request, const std::string& serial) {
  auto state = state_.lock();
  const auto known =
      std::find_if(state->issued.rbegin(), state->issued.rend(), [&](const Issued& i) { return i.request == request; });
  if (known != state->issued.rend()) known->serial = serial;
}

void Soak::fault(const std::string& problem) {
  auto state = state_.lock();
  if (state->problems.size() < kMaxProblems) state->problems.push_back(problem);
}

}  // namespace hubseal::test
