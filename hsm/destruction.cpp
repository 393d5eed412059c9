#include "hsm/destruction.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"
#include "hsm/key_object.h"
#include "hsm/proof.h"
#include "hsm/public_half.h"

namespace hubseal::hsm {
namespace {

Result<std::vector<CK_OBJECT_HANDLE>> token_objects(const Session& session, CK_OBJECT_CLASS kind) {
  CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kind), attribute(CKA_TOKEN, kTrue)};
  return find_objects(session, wanted);
}

bool is_of(const EVP_PKEY* key, const KeyId& id) {
  const auto found = key_id_of(key);
  return found && *found == id;
}

}  // namespace

Result<> Destruction::run(const Signer::Begin& begin) {
  const auto writing = TRY(WritingSession::open(cryptoki_, slot_));
  TRY(read_public_halves(**writing));
  TRY(read_ids(**writing));

  const Findings found = TRY(look(**writing));
  if (found.proven.empty() && found.doubts.empty())
    return fail(Code::not_found, fmt::format("no key {} in the token", to_string(target_.id)));
  const bool may_be_it = !found.proven.empty() || std::any_of(found.doubts.begin(), found.doubts.end(),
                                                              [](const Doubt& doubt) { return doubt.claims; });
  if (begin && may_be_it) TRY(begin());
  for (const CK_OBJECT_HANDLE handle : found.proven) {
    TRY(cryptoki_.check(cryptoki_->C_DestroyObject((**writing).handle, handle), "C_DestroyObject"));
    ++destroyed_;
  }
  // The public half stays as long as something may need it to prove itself.
  TRY(refuse_what_is_left(found.proven.empty() ? found : TRY(look(**writing))));
  for (const PublicHalf& half : halves_)
    if (half.is_key && half.is_meant)
      TRY(cryptoki_.check(cryptoki_->C_DestroyObject((**writing).handle, half.object), "C_DestroyObject"));
  return {};
}

Result<> Destruction::read_public_halves(const Session& session) {
  for (const CK_OBJECT_CLASS kind : {CKO_PUBLIC_KEY, CKO_CERTIFICATE})
    for (const CK_OBJECT_HANDLE object : TRY(token_objects(session, kind))) {
      const bool is_key = kind == CKO_PUBLIC_KEY;
      auto key = TRY(is_key ? public_half_of(session, object) : public_half_of_certificate(session, object));
      if (!key) continue;
      const bool is_meant = is_of(key->get(), target_.id);
      halves_.push_back({object, is_key, is_meant, std::move(*key)});
    }
  return {};
}

/// Read once: what bears them is destroyed on the way.
Result<> Destruction::read_ids(const Session& session) {
  const auto keep = [&](CK_OBJECT_HANDLE object) -> Result<> {
    auto id = TRY(read_attribute(session, object, CKA_ID));
    if (id && !id->empty()) ids_.insert(*std::move(id));
    return {};
  };
  for (const PublicHalf& half : halves_)
    if (half.is_meant) TRY(keep(half.object));
  for (const CK_OBJECT_HANDLE handle : TRY(token_objects(session, CKO_PRIVATE_KEY)))
    if (target_.known && target_.known->handle == handle) TRY(keep(handle));
  return {};
}

EVP_PKEY* Destruction::meant() const {
  if (target_.known) return target_.known->public_key.get();
  const auto found = std::find_if(halves_.begin(), halves_.end(), [](const PublicHalf& half) { return half.is_meant; });
  return found == halves_.end() ? nullptr : found->key.get();
}

Result<Destruction::Findings> Destruction::look(const Session& session) {
  Findings findings;
  for (const CK_OBJECT_HANDLE handle : TRY(token_objects(session, CKO_PRIVATE_KEY))) {
    const auto id = TRY(read_attribute(session, handle, CKA_ID));
    const auto label = TRY(read_attribute(session, handle, CKA_LABEL));
    const std::string name = label ? std::string(as_text(*label)) : "";
    const auto own = TRY(public_half_of(session, handle));
    const bool claims = (!name.empty() && name == target_.label) || (own && is_of(own->get(), target_.id));
    if (!claims && !(id && ids_.contains(*id))) continue;

    const Judgement judgement = TRY(judge(handle, own ? own->get() : nullptr, claims));
    if (judgement.verdict == Verdict::this_key) findings.proven.push_back(handle);
    if (judgement.verdict == Verdict::cannot_tell)
      findings.doubts.push_back({fmt::format("private key \"{}\" (CKA_ID {}): {}", log::printable(name, 64),
                                             id ? to_hex(*id) : "", judgement.reason),
                                 claims});
  }
  return findings;
}

Result<Destruction::Judgement> Destruction::judge(CK_OBJECT_HANDLE handle, EVP_PKEY* own, bool claims) {
  const auto cannot_tell = [](std::string reason) { return Judgement{Verdict::cannot_tell, std::move(reason)}; };
  // A session of its own: a signature that was refused may leave its session in the middle of something.
  const auto session = TRY(WritingSession::open(cryptoki_, slot_));
  EVP_PKEY* const key = meant() ? meant() : own && is_of(own, target_.id) ? own : nullptr;
  if (!key) return own ? Judgement{} : cannot_tell("its public half is not in the token");
  const KeyType type = TRY(key_type_of(key));
  const auto kind = TRY(read_number(**session, handle, CKA_KEY_TYPE));
  if (kind && *kind != (is_rsa(type) ? CKK_RSA : CKK_EC)) return Judgement{};

  const SignatureAlgorithm algorithm = proof_algorithm(type);
  const auto& mechanism = mechanisms_[static_cast<std::size_t>(algorithm)];
  if (!mechanism) return cannot_tell(fmt::format("the token does not offer {}", to_string(algorithm)));
  if (!TRY(read_flag(**session, handle, CKA_SIGN)).value_or(true))
    return cannot_tell("it cannot prove which key it is: CKA_SIGN is false");
  if (TRY(read_flag(**session, handle, CKA_ALWAYS_AUTHENTICATE)).value_or(false))
    return cannot_tell("it cannot prove which key it is: CKA_ALWAYS_AUTHENTICATE is true");
  const Bytes challenge = TRY(make_challenge());
  const Hashed hashed{algorithm, TRY(hash_message(algorithm, challenge)), challenge};
  Key asked;  // only for how long a signature may be: another's may be longer than this key's
  asked.signature_bytes = 1024;
  const auto signature = sign_raw(**session, handle, asked, *mechanism, hashed);
  if (!signature && (cryptoki_.lost() || signature.error().code != Code::bad_request))
    return tl::unexpected(signature.error());
  if (!signature) return cannot_tell("it cannot prove which key it is: " + signature.error().message);

  const auto verifies = [&](EVP_PKEY* with) { return verify_signature(with, algorithm, challenge, *signature); };
  if (verifies(key)) return Judgement{Verdict::this_key, ""};
  // A bad signature is not yet another key's: what claims to be this one is another only if a public key says so.
  if (!claims || (own && verifies(own))) return Judgement{};
  for (const PublicHalf& half : halves_)
    if (verifies(half.key.get())) return Judgement{};
  return cannot_tell("its signature verifies with no public key of the token");
}

Result<> Destruction::refuse_what_is_left(const Findings& left) const {
  const auto refuse = [this](const std::string& what) {
    return fail(Code::hsm_unavailable,
                fmt::format("key {} does not count as destroyed. In the token is {}. Find out what it is, and remove "
                            "or rename it with the token's own tool (pkcs11-tool)",
                            to_string(target_.id), what));
  };
  if (!left.proven.empty()) return refuse("still a private key that signs as this one");
  for (const Doubt& doubt : left.doubts)
    if (doubt.claims || destroyed_ == 0) return refuse(doubt.what);
  return {};
}

}  // namespace hubseal::hsm
