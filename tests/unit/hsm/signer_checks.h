/// What several suites of tests/unit/hsm ask of a Signer.
#pragma once

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>

#include "common/files.h"
#include "common/x509/public_key.h"
#include "hsm/token_signer.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_dir.h"

namespace hubseal::hsm {

inline std::unique_ptr<Signer> open_ok(TokenConfig config) {
  auto signer = open_token(std::move(config));
  BOOST_REQUIRE_MESSAGE(signer, (signer ? "" : signer.error().message));
  return std::move(*signer);
}

inline KeyInfo generate_ok(Signer& signer, KeyType type, std::string_view label) {
  auto key = signer.generate_key(type, label);
  BOOST_REQUIRE_MESSAGE(key, (key ? "" : key.error().message));
  return std::move(*key);
}

template <class T>
Error refusal_of(const Result<T>& result) {
  BOOST_REQUIRE(!result);
  return result.error();
}

inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// openssl(1) judges; it wants ECDSA signatures in DER.
inline bool openssl_verifies(const KeyInfo& key, SignatureAlgorithm algorithm, std::string_view message,
                             const Bytes& signature) {
  const test::TempDir folder;
  const auto store = [&](const char* name, ByteView content) {
    BOOST_REQUIRE(write_file(folder / name, content, 0600));
    return (folder / name).string();
  };
  const std::string pem = *public_key_pem(x509::public_key_from_spki(key.spki)->get());
  const Bytes wanted = is_rsa(algorithm) ? signature : *ecdsa_raw_to_der(signature);
  std::vector<std::string> command = {"openssl",
                                      "dgst",
                                      std::string("-") + EVP_MD_get0_name(hash_of(algorithm)),
                                      "-verify",
                                      store("key.pem", as_bytes(pem)),
                                      "-signature",
                                      store("signature", wanted)};
  if (is_pss(algorithm))
    command.insert(command.end(), {"-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"});
  command.push_back(store("message", as_bytes(message)));
  return test::run_command(command).exit_code == 0;
}

/// What signs with a key of this kind in most tests.
inline SignatureAlgorithm usual_algorithm(KeyType type) {
  return is_rsa(type) ? SignatureAlgorithm::rsa_pkcs1_sha256 : SignatureAlgorithm::ecdsa_sha256;
}

inline bool signs(Signer& signer, const KeyInfo& key, std::string_view message = "hello") {
  const auto signature = signer.sign(key.id, usual_algorithm(key.type), as_bytes(message));
  return signature && verify_signature(x509::public_key_from_spki(key.spki)->get(), usual_algorithm(key.type),
                                       as_bytes(message), *signature);
}

}  // namespace hubseal::hsm
