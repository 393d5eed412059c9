#include "tests/support/witness.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "common/key_types.h"
#include "tests/support/must.h"

namespace hubseal::test {
namespace {

PkeyPtr new_key() { return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

Bytes sign_ed25519(EVP_PKEY* key, std::string_view message) {
  const MdContextPtr context(EVP_MD_CTX_new());
  Bytes signature(64);
  std::size_t size = signature.size();
  const ByteView bytes = as_bytes(message);
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size()) != 1)
    throw std::runtime_error("no cosignature: " + drain_openssl_errors());
  return signature;
}

}  // namespace

Witness::Witness(std::string name) : name_(std::move(name)), key_(new_key()) {
  Bytes typed(33, 0x04);
  std::size_t size = 32;
  if (EVP_PKEY_get_raw_public_key(key_.get(), typed.data() + 1, &size) != 1) throw std::runtime_error("no key");
  Bytes hashed(name_.begin(), name_.end());
  hashed.push_back('\n');
  hashed.insert(hashed.end(), typed.begin(), typed.end());
  std::copy_n(sha256(hashed).begin(), id_.size(), id_.begin());
  verifier_key_ = fmt::format("{}+{}+{}", name_, to_hex(id_), to_base64(typed));
}

std::string Witness::cosign(const std::string& text, std::uint64_t time) const {
  audit::SignedNote note = must(audit::parse_note(text));
  const Bytes signature = sign_ed25519(key_.get(), fmt::format("cosignature/v1\ntime {}\n{}", time, note.text));
  Bytes value(8);
  for (std::size_t i = 0; i < 8; ++i) value[i] = static_cast<std::uint8_t>(time >> (8 * (7 - i)));
  value.insert(value.end(), signature.begin(), signature.end());
  note.signatures.push_back({name_, id_, value});
  return to_text(note);
}

}  // namespace hubseal::test
