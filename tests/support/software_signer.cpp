#include "tests/support/software_signer.h"

#include <fmt/format.h>
#include <openssl/rsa.h>

namespace hubseal::test {

PkeyPtr make_key(KeyType type) {
  switch (type) {
    case KeyType::rsa_2048: return PkeyPtr(EVP_RSA_gen(2048));
    case KeyType::rsa_3072: return PkeyPtr(EVP_RSA_gen(3072));
    case KeyType::rsa_4096: return PkeyPtr(EVP_RSA_gen(4096));
    case KeyType::ec_p256: return PkeyPtr(EVP_EC_gen("P-256"));
    case KeyType::ec_p384: return PkeyPtr(EVP_EC_gen("P-384"));
  }
  return nullptr;
}

namespace {

/// ECDSA as r || s.
Bytes as_token_gives(const EVP_PKEY* key, Bytes signature) {
  if (EVP_PKEY_is_a(key, "RSA")) return signature;
  const auto coordinate_bytes = static_cast<std::size_t>((EVP_PKEY_get_bits(key) + 7) / 8);
  return ecdsa_der_to_raw(signature, coordinate_bytes).value_or(Bytes());
}

}  // namespace

Bytes sign_with(EVP_PKEY* key, SignatureAlgorithm algorithm, ByteView message) {
  const MdContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* padding = nullptr;  // belongs to `context`
  bool good = EVP_DigestSignInit(context.get(), &padding, hash_of(algorithm), nullptr, key) == 1;
  if (good && is_pss(algorithm))
    good = EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1;
  Bytes signature(1024);
  std::size_t size = signature.size();
  if (!good || EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1) return {};
  signature.resize(size);
  return as_token_gives(key, std::move(signature));
}

Bytes sign_digest_with(EVP_PKEY* key, SignatureAlgorithm algorithm, ByteView digest) {
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  bool good = context && EVP_PKEY_sign_init(context.get()) == 1;
  if (good && is_pss(algorithm)) good = EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) == 1;
  good = good && EVP_PKEY_CTX_set_signature_md(context.get(), hash_of(algorithm)) == 1;
  if (good && is_pss(algorithm)) good = EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1;
  Bytes signature(1024);
  std::size_t size = signature.size();
  if (!good || EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) != 1) return {};
  signature.resize(size);
  return as_token_gives(key, std::move(signature));
}

namespace {

void do_once(std::mutex& mutex, std::function<void()>& what) {
  std::function<void()> work;
  {
    const std::lock_guard lock(mutex);
    work.swap(what);
  }
  if (work) work();
}

tl::unexpected<Error> missing(const KeyId& id) {
  return fail(Code::hsm_unavailable, fmt::format("no key {}", to_string(id)));
}

}  // namespace

SoftwareSigner::Entry* SoftwareSigner::shown(const KeyId& id) {
  const auto found = keys_.find(id);
  return found == keys_.end() || hidden_.contains(id) ? nullptr : &found->second;
}

Result<std::vector<hsm::KeyInfo>> SoftwareSigner::list_keys() {
  const std::lock_guard lock(mutex_);
  std::vector<hsm::KeyInfo> infos;
  for (const auto& [id, entry] : keys_)
    if (!hidden_.contains(id)) infos.push_back(entry.info);
  return infos;
}

Result<hsm::KeyInfo> SoftwareSigner::find_key(const KeyId& id) {
  do_once(mutex_, meanwhile_);
  const std::lock_guard lock(mutex_);
  const Entry* const found = shown(id);
  if (!found) return missing(id);
  return found->info;
}

Result<hsm::KeyInfo> SoftwareSigner::look_for(const KeyId& id) {
  auto found = find_key(id);
  if (!found) return fail(Code::not_found, found.error().message);
  return found;
}

Result<hsm::KeyInfo> SoftwareSigner::generate_key(KeyType type, std::string_view label) {
  PkeyPtr key = make_key(type);
  hsm::KeyInfo info{TRY(key_id_of(key.get())), std::string(label),    type,
                    hsm::Grade::generated,     hsm::KeyState::active, TRY(spki_of(key.get()))};
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : keys_)
    if (entry.info.label == label) return fail(Code::conflict, fmt::format("label {} is taken", label));
  keys_.emplace(info.id, Entry{info, std::move(key)});
  return info;
}

Result<EVP_PKEY*> SoftwareSigner::key_for(Signed what) {
  do_once(mutex_, meanwhile_);
  const std::lock_guard lock(mutex_);
  const Entry* const found = shown(what.key);
  if (!found) return missing(what.key);
  if (keeps_signed_) signed_.push_back(std::move(what));
  return found->key.get();
}

Result<Bytes> SoftwareSigner::sign_digest(const KeyId& id, SignatureAlgorithm algorithm, ByteView digest) {
  EVP_PKEY* const key = TRY(key_for({id, algorithm, Bytes(digest.begin(), digest.end()), true}));
  Bytes signature = sign_digest_with(key, algorithm, digest);
  if (signature.empty()) return fail(Code::bad_request, "software key: " + drain_openssl_errors());
  return signature;
}

Result<Bytes> SoftwareSigner::sign(const KeyId& id, SignatureAlgorithm algorithm, ByteView message) {
  EVP_PKEY* const key = TRY(key_for({id, algorithm, Bytes(message.begin(), message.end())}));
  Bytes signature = sign_with(key, algorithm, message);
  if (signature.empty()) return fail(Code::hsm_unavailable, "software key: " + drain_openssl_errors());
  return signature;
}

Result<> SoftwareSigner::prove_key(const KeyId& id) {
  TRY(find_key(id));
  return {};
}

Result<> SoftwareSigner::destroy_key(const KeyId& id, std::string_view, const Begin& begin) {
  {
    const std::lock_guard lock(mutex_);
    if (!shown(id)) return fail(Code::not_found, fmt::format("no key {}", to_string(id)));
  }
  do_once(mutex_, meanwhile_);
  const std::lock_guard lock(mutex_);
  if (begin) TRY(begin());
  if (std::exchange(fails_before_, false)) return fail(Code::hsm_unavailable, "the token does not destroy it");
  keys_.erase(id);
  if (std::exchange(fails_after_, false)) return fail(Code::hsm_unavailable, "the token was lost");
  return {};
}

std::vector<SoftwareSigner::Signed> SoftwareSigner::take_signed() {
  const std::lock_guard lock(mutex_);
  keeps_signed_ = true;
  return std::exchange(signed_, {});
}

void SoftwareSigner::hide(std::set<KeyId> ids) {
  const std::lock_guard lock(mutex_);
  hidden_ = std::move(ids);
}

Result<std::vector<Bytes>> SoftwareSigner::read_data(std::string_view label) {
  const std::lock_guard lock(mutex_);
  const auto found = data_.find(label);
  if (found == data_.end()) return std::vector<Bytes>();
  return std::vector<Bytes>{found->second};
}

Result<std::vector<std::string>> SoftwareSigner::data_labels() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> labels;
  for (const auto& [label, value] : data_) labels.push_back(label);
  return labels;
}

Result<> SoftwareSigner::erase_data(std::string_view label) {
  const std::lock_guard lock(mutex_);
  data_.erase(std::string(label));
  return {};
}

Result<> SoftwareSigner::write_data(std::string_view label, ByteView value) {
  const std::lock_guard lock(mutex_);
  data_.insert_or_assign(std::string(label), Bytes(value.begin(), value.end()));
  return {};
}

hsm::TokenStatus SoftwareSigner::status() {
  hsm::TokenStatus status;
  status.ready = true;
  status.label = "software";
  status.module = "none";
  status.generation = 1;
  status.sessions = 1;
  return status;
}

}  // namespace hubseal::test
