#include "pkcs11/signing.h"

#include <algorithm>

#include <boost/test/unit_test.hpp>

#include "common/signature_words.h"

using namespace hubseal;
using namespace hubseal::pkcs11;

namespace {

CK_RV begin(CK_MECHANISM_TYPE type, KeyType key, std::optional<Signing>& signing,
            CK_RSA_PKCS_PSS_PARAMS* pss = nullptr) {
  return Signing::begin({type, pss, pss ? sizeof *pss : 0}, key, signing);
}

/// What hubseald would be asked for `data`; "" where it is refused here.
std::string word_for(CK_MECHANISM_TYPE type, KeyType key, const Bytes& data, CK_RSA_PKCS_PSS_PARAMS* pss = nullptr) {
  std::optional<Signing> signing;
  if (begin(type, key, signing, pss) != CKR_OK) return "";
  const auto wanted = signing->wanted(data);
  return wanted ? std::string(wanted->algorithm) : "";
}

Bytes digest_info(std::string_view prefix, std::size_t digest_bytes) {
  Bytes data = from_hex(prefix).value();
  data.resize(data.size() + digest_bytes, 0x5a);
  return data;
}

// RFC 8017 section 9.2, note 1.
constexpr char kSha256[] = "3031300d060960864801650304020105000420";
constexpr char kSha384[] = "3041300d060960864801650304020205000430";
constexpr char kSha512[] = "3051300d060960864801650304020305000440";

}  // namespace

BOOST_AUTO_TEST_SUITE(pkcs11_signing)

BOOST_AUTO_TEST_CASE(a_digest_info_is_asked_for_as_its_digest_and_its_hash) {
  for (const auto& [prefix, size, word] : {std::tuple{kSha256, 32, "rsa_pkcs1_sha256"},
                                           {kSha384, 48, "rsa_pkcs1_sha384"},
                                           {kSha512, 64, "rsa_pkcs1_sha512"}}) {
    const Bytes data = digest_info(prefix, static_cast<std::size_t>(size));
    BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, data) == word);
    std::optional<Signing> signing;
    BOOST_REQUIRE(begin(CKM_RSA_PKCS, KeyType::rsa_2048, signing) == CKR_OK);
    BOOST_TEST(signing->wanted(data)->digest.size() == static_cast<std::size_t>(size));
    BOOST_TEST((signing->wanted(data)->digest.data() == data.data() + 19));
  }
}

BOOST_AUTO_TEST_CASE(whatever_is_no_digest_info_of_these_hashes_is_refused) {
  BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, Bytes(32)) == "");
  BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, Bytes(36)) == "");  // MD5 and SHA-1 of TLS 1.1
  BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, Bytes()) == "");
  BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, digest_info("3021300906052b0e03021a05000414", 20)) == "");
  BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, digest_info(kSha256, 31)) == "");
  BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, digest_info(kSha256, 33)) == "");
  BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, digest_info(kSha256, 48)) == "");
  Bytes altered = digest_info(kSha256, 32);
  for (std::size_t i = 0; i < 19; ++i) {
    altered[i] ^= 1;
    BOOST_TEST(word_for(CKM_RSA_PKCS, KeyType::rsa_2048, altered) == "", "byte " << i);
    altered[i] ^= 1;
  }
}

BOOST_AUTO_TEST_CASE(pss_is_that_of_tls_or_it_is_refused) {
  CK_RSA_PKCS_PSS_PARAMS good{CKM_SHA384, CKG_MGF1_SHA384, 48};
  BOOST_TEST(word_for(CKM_RSA_PKCS_PSS, KeyType::rsa_3072, Bytes(48), &good) == "rsa_pss_sha384");
  BOOST_TEST(word_for(CKM_RSA_PKCS_PSS, KeyType::rsa_3072, Bytes(32), &good) == "");
  std::optional<Signing> signing;
  BOOST_TEST(begin(CKM_RSA_PKCS_PSS, KeyType::rsa_3072, signing) == CKR_MECHANISM_PARAM_INVALID);
  for (CK_RSA_PKCS_PSS_PARAMS bad : {CK_RSA_PKCS_PSS_PARAMS{CKM_SHA384, CKG_MGF1_SHA384, 0},
                                     {CKM_SHA384, CKG_MGF1_SHA256, 48},
                                     {CKM_SHA256, CKG_MGF1_SHA384, 48},
                                     {CKM_SHA_1, CKG_MGF1_SHA1, 20},
                                     {CKM_SHA384, CKG_MGF1_SHA384, ~0UL}})
    BOOST_TEST(begin(CKM_RSA_PKCS_PSS, KeyType::rsa_3072, signing, &bad) == CKR_MECHANISM_PARAM_INVALID);
  BOOST_TEST(Signing::begin({CKM_RSA_PKCS_PSS, &good, 8}, KeyType::rsa_3072, signing) == CKR_MECHANISM_PARAM_INVALID);
  BOOST_TEST(!signing.has_value());
}

BOOST_AUTO_TEST_CASE(ecdsa_takes_each_of_the_three_digests_with_either_curve_as_tls_1_2_does) {
  for (const KeyType type : {KeyType::ec_p256, KeyType::ec_p384})
    for (const auto& [size, word] :
         {std::pair{32, "ecdsa_sha256"}, {48, "ecdsa_sha384"}, {64, "ecdsa_sha512"}, {20, ""}, {0, ""}})
      BOOST_TEST(word_for(CKM_ECDSA, type, Bytes(static_cast<std::size_t>(size))) == word);
}

BOOST_AUTO_TEST_CASE(a_mechanism_is_for_its_kind_of_key_and_there_are_three) {
  std::optional<Signing> signing;
  BOOST_TEST(begin(CKM_ECDSA, KeyType::rsa_2048, signing) == CKR_KEY_TYPE_INCONSISTENT);
  BOOST_TEST(begin(CKM_RSA_PKCS, KeyType::ec_p256, signing) == CKR_KEY_TYPE_INCONSISTENT);
  for (const CK_MECHANISM_TYPE other :
       {CKM_RSA_X_509, CKM_SHA256_RSA_PKCS, CKM_ECDSA_SHA256, CKM_ECDH1_DERIVE, CKM_SHA1_RSA_PKCS})
    BOOST_TEST(begin(other, KeyType::rsa_2048, signing) == CKR_MECHANISM_INVALID);
  BOOST_TEST(mechanisms().size() == 3U);
  for (const CK_MECHANISM_TYPE type : mechanisms())
    BOOST_TEST((mechanism_info(type)->flags & (CKF_SIGN | CKF_DECRYPT | CKF_UNWRAP | CKF_DERIVE)) == CKF_SIGN);
  // Java asks for the hash of PSS; it does nothing by itself.
  for (const CK_MECHANISM_TYPE hash : {CKM_SHA256, CKM_SHA384, CKM_SHA512}) {
    BOOST_TEST(mechanism_info(hash)->flags == 0U);
    BOOST_TEST(begin(hash, KeyType::rsa_2048, signing) == CKR_MECHANISM_INVALID);
  }
  BOOST_TEST(!mechanism_info(CKM_SHA_1));
}

BOOST_AUTO_TEST_CASE(every_word_is_one_that_hubseald_knows) {
  CK_RSA_PKCS_PSS_PARAMS pss256{CKM_SHA256, CKG_MGF1_SHA256, 32}, pss512{CKM_SHA512, CKG_MGF1_SHA512, 64};
  for (const std::string& word : {word_for(CKM_RSA_PKCS, KeyType::rsa_4096, digest_info(kSha512, 64)),
                                  word_for(CKM_ECDSA, KeyType::ec_p384, Bytes(48)),
                                  word_for(CKM_RSA_PKCS_PSS, KeyType::rsa_2048, Bytes(32), &pss256),
                                  word_for(CKM_RSA_PKCS_PSS, KeyType::rsa_2048, Bytes(64), &pss512)})
    BOOST_TEST(std::any_of(kSignatureWords.begin(), kSignatureWords.end(),
                           [&](const auto& known) { return known.first == word; }),
               word);
}

BOOST_AUTO_TEST_SUITE_END()
