#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/json.h"
#include "common/key_types.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/software_signer.h"

namespace hubseal::test {

/// Three approvers, one of each kind that signs, whose keys are here: a fuzzer that has stolen nothing cannot sign, and
/// what a daemon makes of a good signature over the wrong thing would never be seen.
class Voters {
 public:
  static constexpr std::array<const char*, 3> kNames = {"alice-card", "bob-token", "carol-page"};
  static constexpr std::size_t kPage = 2;  ///< whose vote is a WebAuthn assertion

  /// What an assertion says beyond the statement.
  struct Assertion {
    std::string type = "webauthn.get";
    std::string origin = kOrigin;
    std::string rp_id = kRpId;
    std::uint8_t flags = 0x05;  ///< UP and UV
    bool operator==(const Assertion&) const = default;
  };

  /// The fields of add_approver.
  Json registration(std::size_t voter) const {
    Json fields = {{"name", kNames[voter]},
                   {"person", kNames[voter]},
                   {"kind", voter == kPage ? "webauthn" : "key"},
                   {"public_key", public_key_pem(keys_[voter].get()).value()}};
    if (voter == kPage) fields.update({{"credential_id", "Y3I"}, {"rp_id", kRpId}, {"origin", kOrigin}});
    return fields;
  }

  /// "signature" or "webauthn" of submit_approval, over this statement.
  Json proof(std::size_t voter, std::string_view statement, const Assertion& said) const {
    if (voter != kPage) return {{"signature", to_base64(sign(voter, as_bytes(statement)))}};
    const std::string client = dump_json({{"type", said.type},
                                          {"challenge", to_base64url(sha256(as_bytes(statement)))},
                                          {"origin", said.origin},
                                          {"crossOrigin", false}});
    const auto party = sha256(as_bytes(said.rp_id)), hash = sha256(as_bytes(client));
    Bytes data(party.begin(), party.end());
    data.insert(data.end(), {said.flags, 0, 0, 0, 0});  // a passkey: its counter stays 0
    Bytes message = data;
    message.insert(message.end(), hash.begin(), hash.end());
    return {{"webauthn",
             {{"authenticator_data", to_base64url(data)},
              {"client_data_json", to_base64url(as_bytes(client))},
              {"signature", to_base64url(sign(voter, message))}}}};
  }

 private:
  static constexpr const char* kRpId = "hub.example.com";
  static constexpr const char* kOrigin = "https://portal.hub.example.com";

  Bytes sign(std::size_t voter, ByteView message) const {
    EVP_PKEY* const key = keys_[voter].get();
    const bool is_ec = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC;
    const MdContextPtr context(EVP_MD_CTX_new());
    MUST_HOLD(EVP_DigestSignInit(context.get(), nullptr, is_ec ? EVP_sha256() : nullptr, nullptr, key) == 1);
    Bytes signature(128);
    std::size_t size = signature.size();
    MUST_HOLD(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
    signature.resize(size);
    return signature;
  }

  const std::array<PkeyPtr, 3> keys_ = {
      make_key(KeyType::ec_p256), PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), make_key(KeyType::ec_p256)};
};

/// `statement` with `to` in the place of one of its lines; as it is where it has no such line.
inline std::string with_line(std::string statement, std::size_t line, std::string_view to) {
  std::size_t begin = 0;
  for (; line > 0 && begin < statement.size(); --line) begin = statement.find('\n', begin) + 1;
  if (begin >= statement.size()) return statement;
  return statement.replace(begin, statement.find('\n', begin) - begin, to);
}

/// Text that stands for itself between the quotes of JSON.
inline bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

}  // namespace hubseal::test
