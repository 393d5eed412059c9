#include "hsm/object.h"

#include <fmt/format.h>

#include "tests/support/fake_token.h"
#include "tests/unit/hsm/raw_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;

/// A token with one key pair, whose module lies.
struct Liar {
  FakeToken token;
  RawToken raw{token.config()};
  KeyPair pair = raw.generate_ec({}, "jws");

  auto label() { return read_attribute(raw.session(), pair.private_key, CKA_LABEL); }
  auto private_keys() {
    const CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kind)};
    return find_objects(raw.session(), wanted);
  }
  std::string refused_label(std::string_view script) {
    token.script(script);
    const Error refused = refusal_of(label());
    BOOST_TEST((refused.code == Code::hsm_unavailable));
    return refused.message;
  }
};

BOOST_FIXTURE_TEST_SUITE(objects_of_a_token_that_lies, Liar)

BOOST_AUTO_TEST_CASE(an_attribute_of_more_than_64_kib_is_not_believed) {
  for (const char* size : {"65537", "100000", "0x7fffffffffffffff"})
    BOOST_TEST(contains(refused_label(fmt::format("claim C_GetAttributeValue 1 {}\n", size)),
                        fmt::format("claims {} bytes", std::stoul(size, nullptr, 0))));
  BOOST_TEST(token.calls("C_GetAttributeValue") == 3U);  // nothing was fetched
  token.script("claim C_GetAttributeValue 1 65536\n");
  BOOST_TEST(as_text(**label()) == "jws");
}

BOOST_AUTO_TEST_CASE(an_attribute_that_grows_while_it_is_read_is_refused) {
  for (const char* lie :
       {"length C_GetAttributeValue 2 1", "claim C_GetAttributeValue 2 100000", "claim C_GetAttributeValue 2 -1"})
    BOOST_TEST(contains(refused_label(lie), "changed its length"), lie);
}

BOOST_AUTO_TEST_CASE(an_attribute_that_shrinks_while_it_is_read_has_what_came) {
  token.script("length C_GetAttributeValue 2 -1\n");
  BOOST_TEST(as_text(**label()) == "jw");
  token.script("length C_GetAttributeValue 1 5\n");
  BOOST_TEST(as_text(**label()) == "jws");
}

BOOST_AUTO_TEST_CASE(a_buffer_that_is_claimed_to_do_and_does_not_is_an_error) {
  token.script("length C_GetAttributeValue 1 -1\n");
  BOOST_TEST(contains(refusal_of(label()).message, "CKR_BUFFER_TOO_SMALL"));
}

BOOST_AUTO_TEST_CASE(an_attribute_that_is_unavailable_is_absent) {
  token.script("claim C_GetAttributeValue 1 -1\n");  // CK_UNAVAILABLE_INFORMATION
  const auto found = label();
  BOOST_REQUIRE_MESSAGE(found, found.error().message);
  BOOST_TEST(!found->has_value());
}

BOOST_AUTO_TEST_CASE(more_objects_than_were_asked_for_are_not_believed) {
  for (const char* count : {"257", "300", "-1"}) {
    token.script(fmt::format("claim C_FindObjects 1 {}\n", count));
    const Error refused = refusal_of(private_keys());
    BOOST_TEST((refused.code == Code::hsm_unavailable));
    BOOST_TEST(contains(refused.message, fmt::format("claims {} more objects", std::stoul(count))), refused.message);
  }
  token.script("");
  BOOST_TEST(private_keys()->size() == 1U);  // the search was ended each time
}

BOOST_AUTO_TEST_CASE(objects_without_end_are_not_believed) {
  token.script("claim C_FindObjects 1-390 256\n");
  BOOST_TEST(private_keys()->size() == 99'840U);
  // It ends after all, so that this test does as well.
  token.script("claim C_FindObjects 1-500 256\n");
  const Error refused = refusal_of(private_keys());
  BOOST_TEST((refused.code == Code::hsm_unavailable));
  BOOST_TEST(contains(refused.message, "claims 256 more objects"), refused.message);
  BOOST_TEST(token.calls("C_FindObjects") == 391U + 391U);
  token.script("");
  BOOST_TEST(private_keys()->size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
