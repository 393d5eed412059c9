#include "hsm/key.h"

#include <map>
#include <optional>

#include <fmt/format.h>

#include "common/log.h"
#include "hsm/public_half.h"

namespace hubseal::hsm {
namespace {

/// What goes while it is looked at makes the look worth nothing: not everything may have been shown.
constexpr unsigned kMostLooks = 3;

struct Rule {
  CK_ATTRIBUTE_TYPE type;
  std::string_view name;
  bool wanted;
  /// Attributes of uses that a token does not know of cannot be used, so absence is as good as false.
  bool may_be_absent;
};
constexpr Rule kRules[] = {
    {CKA_PRIVATE, "CKA_PRIVATE", true, false},
    {CKA_SENSITIVE, "CKA_SENSITIVE", true, false},
    {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false, false},
    {CKA_SIGN, "CKA_SIGN", true, false},
    {CKA_DECRYPT, "CKA_DECRYPT", false, true},
    {CKA_UNWRAP, "CKA_UNWRAP", false, true},
    {CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER", false, true},
    {CKA_DERIVE, "CKA_DERIVE", false, true},
    // Such a key wants the PIN again for every signature, and the PIN is gone by then.
    {CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE", false, true},
};

Result<bool> has_flag(const Session& session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE type) {
  return TRY(read_flag(session, handle, type)).value_or(false);
}

/// Public halves that bear a CKA_ID. Two different ones under one CKA_ID say nothing.
class PublicHalves {
 public:
  void add(const Bytes& id, PkeyPtr key) {
    Entry& entry = by_id_[id];
    if (entry.key && EVP_PKEY_eq(entry.key.get(), key.get()) != 1) entry.ambiguous = true;
    if (!entry.key) entry.key = std::move(key);
  }
  PkeyPtr find(const Bytes& id) const {
    const auto found = by_id_.find(id);
    if (found == by_id_.end() || found->second.ambiguous) return nullptr;
    EVP_PKEY_up_ref(found->second.key.get());
    return PkeyPtr(found->second.key.get());
  }

 private:
  struct Entry {
    PkeyPtr key;
    bool ambiguous = false;
  };
  std::map<Bytes, Entry> by_id_;
};

using ReadHalf = Result<std::optional<PkeyPtr>> (*)(const Session&, CK_OBJECT_HANDLE);

Result<PublicHalves> read_halves(const Session& session, CK_OBJECT_CLASS object_class, ReadHalf read) {
  CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, object_class), attribute(CKA_TOKEN, kTrue)};
  PublicHalves halves;
  for (const CK_OBJECT_HANDLE object : TRY(find_objects(session, wanted))) {
    const auto id = TRY(read_attribute(session, object, CKA_ID));
    if (!id || id->empty()) continue;
    auto key = TRY(read(session, object));
    if (key) halves.add(*id, std::move(*key));
  }
  return halves;
}

std::string label_of(const std::optional<Bytes>& label) { return label ? std::string(as_text(*label)) : ""; }

Result<Key> describe_key(const Session& session, CK_OBJECT_HANDLE handle, PkeyPtr public_key) {
  const Inspection inspection = TRY(inspect_private_key(session, handle));
  Key key;
  key.type = TRY(key_type_of(public_key.get()));
  key.label = label_of(TRY(read_attribute(session, handle, CKA_LABEL)));
  key.grade = inspection.grade;
  key.problem = inspection.problem;
  key.spki = TRY(spki_of(public_key.get()));
  key.id = sha256(key.spki);
  key.signature_bytes = static_cast<std::size_t>(is_rsa(key.type) ? EVP_PKEY_get_bits(public_key.get()) / 8
                                                                  : EVP_PKEY_get_bits(public_key.get()) / 8 * 2);
  key.public_key = std::move(public_key);
  key.handle = handle;
  return key;
}

struct PublicSources {
  PublicHalves public_keys;
  PublicHalves certificates;
};

/// nullptr where there is none. What the private key says of itself comes first: a CKA_ID is only a
/// word that somebody has written on both halves.
Result<PkeyPtr> find_public_half(const Session& session, CK_OBJECT_HANDLE handle, const PublicSources& sources) {
  auto own = TRY(public_half_of(session, handle));
  if (own) return std::move(*own);
  const auto id = TRY(read_attribute(session, handle, CKA_ID));
  if (!id || id->empty()) return nullptr;
  auto from_public_key = sources.public_keys.find(*id);
  return from_public_key ? std::move(from_public_key) : sources.certificates.find(*id);
}

Result<std::vector<Key>> look(const Session& session) {
  auto halves = TRY(read_halves(session, CKO_PUBLIC_KEY, &public_half_of));
  auto certified_halves = TRY(read_halves(session, CKO_CERTIFICATE, &public_half_of_certificate));
  const PublicSources sources{std::move(halves), std::move(certified_halves)};
  const CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, private_key), attribute(CKA_TOKEN, kTrue)};

  std::map<KeyId, Key> keys;
  for (const CK_OBJECT_HANDLE handle : TRY(find_objects(session, wanted))) {
    auto public_key = TRY(find_public_half(session, handle, sources));
    auto key = public_key ? describe_key(session, handle, std::move(public_key))
                          : Result<Key>(fail(Code::policy_denied, "its public half is not in the token, or not alone"));
    if (!key && key.error().code != Code::policy_denied) return tl::unexpected(key.error());
    if (!key) {
      const std::string label = label_of(TRY(read_attribute(session, handle, CKA_LABEL)));
      log::warning("private key left out", {{"label", label}, {"reason", key.error().message}});
      continue;
    }
    const auto [place, is_new] = keys.try_emplace(key->id, std::move(*key));
    if (!is_new) place->second.problem = "two private keys of the token have this public key";
  }

  std::vector<Key> result;
  for (auto& [id, key] : keys) result.push_back(std::move(key));
  return result;
}

}  // namespace

Result<Inspection> inspect_private_key(const Session& session, CK_OBJECT_HANDLE handle, bool token_object) {
  Inspection inspection;
  const auto object_to = [&inspection](std::string_view name, const std::optional<bool>& found, bool wanted) {
    inspection.problem += fmt::format("{}{} is {}, wanted {}", inspection.problem.empty() ? "" : "; ", name,
                                      found ? (*found ? "true" : "false") : "absent", wanted);
  };
  const auto in_token = TRY(read_flag(session, handle, CKA_TOKEN));
  if (in_token != token_object) object_to("CKA_TOKEN", in_token, token_object);
  for (const Rule& rule : kRules) {
    const auto found = TRY(read_flag(session, handle, rule.type));
    if (found != rule.wanted && (found || !rule.may_be_absent)) object_to(rule.name, found, rule.wanted);
  }
  if (TRY(has_flag(session, handle, CKA_ALWAYS_SENSITIVE)) && TRY(has_flag(session, handle, CKA_NEVER_EXTRACTABLE)) &&
      TRY(has_flag(session, handle, CKA_LOCAL)))
    inspection.grade = Grade::generated;
  return inspection;
}

Result<std::vector<Key>> find_keys(const Session& session) {
  auto found = look(session);
  for (unsigned looks = 1; looks < kMostLooks && !found && found.error().code == Code::hsm_busy; ++looks)
    found = look(session);
  return found;
}

Result<Key> read_key(const Session& session, CK_OBJECT_HANDLE handle, CK_OBJECT_HANDLE public_handle) {
  auto public_key = TRY(public_half_of(session, public_handle));
  if (!public_key) return fail(Code::hsm_unavailable, "the token does not show the public key that it has made");
  return describe_key(session, handle, std::move(*public_key));
}

}  // namespace hubseal::hsm
