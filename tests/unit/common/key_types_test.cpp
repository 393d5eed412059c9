#include "common/key_types.h"

#include <fstream>

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"
#include "tests/support/run_command.h"
#include "tests/support/software_signer.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using hubseal::test::must;

namespace {

void write(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_types)

BOOST_AUTO_TEST_CASE(a_key_id_is_what_openssl_says_of_the_public_key) {
  const test::TempDir folder;
  for (const KeyType type : {KeyType::rsa_2048, KeyType::ec_p256, KeyType::ec_p384}) {
    const PkeyPtr key = test::make_key(type);
    write(folder / "key.pem", must(public_key_pem(key.get())));
    const std::string der = folder / "key.der";
    const auto converted =
        test::run_command({"openssl", "pkey", "-pubin", "-in", folder / "key.pem", "-outform", "DER", "-out", der});
    BOOST_REQUIRE(converted.exit_code == 0);
    const auto digest = test::run_command({"openssl", "dgst", "-sha256", "-r", der});
    BOOST_TEST(digest.output.substr(0, 64) == to_string(must(key_id_of(key.get()))));
    BOOST_TEST((must(key_type_of(key.get())) == type));
  }
}

BOOST_AUTO_TEST_CASE(ecdsa_signatures_go_from_raw_to_der_and_openssl_verifies_them) {
  const test::TempDir folder;
  write(folder / "message", "what is signed");
  for (const auto& [type, algorithm, digest] :
       {std::tuple{KeyType::ec_p256, SignatureAlgorithm::ecdsa_sha256, "-sha256"},
        std::tuple{KeyType::ec_p384, SignatureAlgorithm::ecdsa_sha384, "-sha384"}}) {
    const PkeyPtr key = test::make_key(type);
    const Bytes raw = test::sign_with(key.get(), algorithm, as_bytes("what is signed"));
    const Bytes der = must(ecdsa_raw_to_der(raw));
    BOOST_TEST((must(ecdsa_der_to_raw(der, raw.size() / 2)) == raw));
    write(folder / "key.pem", must(public_key_pem(key.get())));
    write(folder / "signature", as_text(der));
    const auto judged = test::run_command({"openssl", "dgst", digest, "-verify", folder / "key.pem", "-signature",
                                           folder / "signature", folder / "message"});
    BOOST_TEST(judged.exit_code == 0, judged.output);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_an_ecdsa_signature_is_refused) {
  BOOST_TEST(!ecdsa_raw_to_der(Bytes(63)).has_value());
  BOOST_TEST(!ecdsa_raw_to_der({}).has_value());
  const Bytes der = must(ecdsa_raw_to_der(Bytes(64, 1)));
  BOOST_TEST(!ecdsa_der_to_raw(ByteView(der).first(der.size() - 1), 32).has_value());
  BOOST_TEST(!ecdsa_der_to_raw(der, 16).has_value());
  Bytes longer = der;
  longer.push_back(0);
  BOOST_TEST(!ecdsa_der_to_raw(longer, 32).has_value());
}

BOOST_AUTO_TEST_CASE(a_signature_verifies_with_its_own_key_message_and_algorithm_only) {
  const PkeyPtr key = test::make_key(KeyType::rsa_2048);
  const PkeyPtr other = test::make_key(KeyType::rsa_2048);
  for (const auto algorithm : {SignatureAlgorithm::rsa_pkcs1_sha256, SignatureAlgorithm::rsa_pss_sha512}) {
    Bytes signature = test::sign_with(key.get(), algorithm, as_bytes("m"));
    BOOST_TEST(verify_signature(key.get(), algorithm, as_bytes("m"), signature));
    BOOST_TEST(!verify_signature(key.get(), algorithm, as_bytes("n"), signature));
    BOOST_TEST(!verify_signature(other.get(), algorithm, as_bytes("m"), signature));
    BOOST_TEST(!verify_signature(key.get(), SignatureAlgorithm::rsa_pkcs1_sha384, as_bytes("m"), signature));
    signature[0] ^= 1;
    BOOST_TEST(!verify_signature(key.get(), algorithm, as_bytes("m"), signature));
    BOOST_TEST(!verify_signature(key.get(), algorithm, as_bytes("m"), {}));
  }
}

BOOST_AUTO_TEST_CASE(keys_of_other_kinds_and_sizes_are_refused) {
  for (const PkeyPtr& key :
       {PkeyPtr(EVP_RSA_gen(1024)), PkeyPtr(EVP_RSA_gen(2056)), PkeyPtr(EVP_EC_gen("P-521")),
        PkeyPtr(EVP_EC_gen("secp256k1")), PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"))}) {
    BOOST_REQUIRE(key != nullptr);
    BOOST_TEST(!key_type_of(key.get()).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_key_id_of_the_wrong_length_is_refused) { BOOST_TEST(!parse_key_id("abcd").has_value()); }

BOOST_AUTO_TEST_SUITE_END()
