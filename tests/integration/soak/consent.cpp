#include "tests/integration/soak/consent.h"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/key_types.h"
#include "tests/integration/soak/csr_maker.h"
#include "tests/support/must.h"

namespace hubseal::test {
namespace {

/// As an approver's card would make it: ECDSA with SHA-256 over the statement, in DER.
std::string signature_over(EVP_PKEY* key, const std::string& statement) {
  const MdContextPtr context(EVP_MD_CTX_new());
  Bytes signature(128);
  std::size_t size = signature.size();
  const ByteView text = as_bytes(statement);
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, text.data(), text.size()) != 1)
    throw std::runtime_error("no vote: " + drain_openssl_errors());
  signature.resize(size);
  return to_base64(signature);
}

Json key_fields(const std::string& name, EVP_PKEY* key) {
  return {{"name", name}, {"person", name}, {"kind", "key"}, {"public_key", must(public_key_pem(key))}};
}

Json issue_fields(const std::string& request, const std::string& csr) {
  return {{"ca", "soak-ca"}, {"profile", Consent::kProfile}, {"subject", "bank2"}, {"request", request}, {"csr", csr}};
}

}  // namespace

Consent::Consent() : key_(EVP_EC_gen("P-256")) {}

Json Consent::key_approver() const { return key_fields(kKeyApprover, key_.get()); }

Json Consent::uid_approver() {
  return {{"name", kUidApprover}, {"person", kUidApprover}, {"kind", "uid"}, {"uid", ::geteuid()}};
}

std::optional<Ask> Consent::next(const std::string& socket, std::mt19937& random) {
  if (auto waiting = take(socket)) {
    switch (waiting->step) {
      case Step::voice: return read_statement(*std::move(waiting));
      case Step::vote: return vote(*std::move(waiting), socket, random);
      case Step::finish: return finish(*waiting);
    }
  }
  if (under_way_ >= kMaxUnderWay) return std::nullopt;
  return begin(socket);
}

/// The oldest that a client on this socket can carry on.
std::optional<Consent::Case> Consent::take(const std::string& socket) {
  auto cases = cases_.lock();
  const auto found = std::find_if(cases->begin(), cases->end(), [&](const Case& waiting) {
    return waiting.step != Step::finish || waiting.socket == socket;
  });
  if (found == cases->end()) return std::nullopt;
  Case taken = std::move(*found);
  cases->erase(found);
  return taken;
}

Ask Consent::begin(const std::string& socket) {
  ++under_way_;
  Case asked{Step::voice, socket, fmt::format("consent-{}", ++requests_), make_csr(), "", ""};
  Ask made = ask("issue_certificate", issue_fields(asked.request, asked.csr), "approval_required");
  made.then = [this, asked](const Json& error) mutable {
    asked.approval = error["approval"];
    cases_.lock()->push_back(std::move(asked));
  };
  return made;
}

Ask Consent::read_statement(Case waiting) {
  Ask made = reading("get_approval", {{"approval", waiting.approval}});
  made.then = [this, waiting](const Json& approval) mutable {
    waiting.statement = approval["statement"];
    waiting.step = Step::vote;
    cases_.lock()->push_back(std::move(waiting));
  };
  return made;
}

/// Most are agreed to by the key; some are rejected by the login of the one who asked.
Ask Consent::vote(Case waiting, const std::string& socket, std::mt19937& random) {
  if (socket == "admin" && random() % 3 == 0) {
    Ask rejection = ask("approve", {{"approval", waiting.approval}, {"decision", "reject"}});
    rejection.then = [this](const Json&) { --under_way_; };
    return rejection;
  }
  Ask made = ask("submit_approval", {{"approval", waiting.approval},
                                     {"approver", kKeyApprover},
                                     {"decision", "approve"},
                                     {"signature", signature_over(key_.get(), waiting.statement)}});
  made.then = [this, waiting](const Json&) mutable {
    waiting.step = Step::finish;
    cases_.lock()->push_back(std::move(waiting));
  };
  return made;
}

Ask Consent::finish(const Case& approved) {
  Ask made = ask("issue_certificate", issue_fields(approved.request, approved.csr));
  made.then = [this](const Json&) { --under_way_; };
  return made;
}

Ask Consent::change_approvers() {
  {
    auto added = added_.lock();
    if (!added->empty()) {
      const std::string name = std::move(added->front());
      added->pop_front();
      return ask("remove_approver", {{"name", name}});
    }
  }
  const PkeyPtr key(EVP_EC_gen("P-256"));
  const std::string name = fmt::format("guest-{}", ++approvers_);
  Ask made = ask("add_approver", key_fields(name, key.get()));
  made.then = [this, name](const Json&) { added_.lock()->push_back(name); };
  return made;
}

}  // namespace hubseal::test
