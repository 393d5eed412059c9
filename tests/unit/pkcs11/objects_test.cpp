#include "pkcs11/objects.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::pkcs11;

namespace {

HubKey ec_key() {
  HubKey key;
  key.label = "hub-tls";
  key.id = Bytes(32, 7);
  key.type = KeyType::ec_p256;
  key.generated = true;
  key.x = Bytes(32, 1);
  key.y = Bytes(32, 2);
  return key;
}

/// Of one attribute; "" for one that there is not.
std::string read(const Object& object, CK_ATTRIBUTE_TYPE type) {
  Bytes room(256);
  CK_ATTRIBUTE one{type, room.data(), room.size()};
  return object.read(one) == CKR_OK ? to_hex(ByteView(room).first(one.ulValueLen)) : "";
}

/// A certificate in which nothing is real but the order of its members, with this in front of the serial number.
Bytes certificate_with(std::string_view version) {
  const std::string inside = std::string(version) +
                             "020105"
                             "3000"
                             "300131"
                             "3000"
                             "300132";
  const auto sized = [](const std::string& hex) {
    static constexpr char kDigits[] = "0123456789abcdef";
    const std::size_t size = hex.size() / 2;
    return std::string("30") + kDigits[size / 16] + kDigits[size % 16] + hex;
  };
  return from_hex(sized(sized(inside) + "3000"
                                        "030100"))
      .value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pkcs11_objects)

BOOST_AUTO_TEST_CASE(a_key_is_two_objects_and_its_certificate_a_third) {
  HubKey key = ec_key();
  BOOST_TEST(Object::of(key).size() == 2U);
  key.certificate = {0x30, 0x00};
  const auto objects = Object::of(key);
  BOOST_REQUIRE(objects.size() == 3U);
  BOOST_TEST(objects[0].is_private_key());
  for (const Object& object : objects) {
    BOOST_TEST(read(object, CKA_LABEL) == to_hex(as_bytes("hub-tls")));
    BOOST_TEST(read(object, CKA_ID) == to_hex(Bytes(32, 7)));
  }
  BOOST_TEST((objects[0].identity() != objects[1].identity() && objects[1].identity() != objects[2].identity()));
}

BOOST_AUTO_TEST_CASE(a_private_key_signs_and_does_nothing_else) {
  const Object key = Object::of(ec_key()).front();
  for (const CK_ATTRIBUTE_TYPE yes : {CKA_SIGN, CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_TOKEN})
    BOOST_TEST(read(key, yes) == "01");
  for (const CK_ATTRIBUTE_TYPE no :
       {CKA_EXTRACTABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE, CKA_SIGN_RECOVER, CKA_MODIFIABLE, CKA_PRIVATE})
    BOOST_TEST(read(key, no) == "00");
  HubKey imported = ec_key();
  imported.generated = false;
  BOOST_TEST(read(Object::of(imported).front(), CKA_NEVER_EXTRACTABLE) == "00");
}

BOOST_AUTO_TEST_CASE(its_secret_is_sensitive_and_what_it_has_not_is_invalid) {
  const auto objects = Object::of(ec_key());
  for (const CK_ATTRIBUTE_TYPE secret : {CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_COEFFICIENT}) {
    CK_ATTRIBUTE one{secret, nullptr, 0};
    BOOST_TEST(objects[0].read(one) == CKR_ATTRIBUTE_SENSITIVE);
    BOOST_TEST(one.ulValueLen == CK_UNAVAILABLE_INFORMATION);
    BOOST_TEST(objects[1].read(one) == CKR_ATTRIBUTE_TYPE_INVALID);
  }
}

BOOST_AUTO_TEST_CASE(an_attribute_is_measured_then_read_and_never_beyond_its_room) {
  const Object key = Object::of(ec_key()).front();
  CK_ATTRIBUTE one{CKA_EC_POINT, nullptr, 0};
  BOOST_TEST(key.read(one) == CKR_OK);
  BOOST_TEST(one.ulValueLen == 67U);
  Bytes room(66, 0xee);
  one = {CKA_EC_POINT, room.data(), room.size()};
  BOOST_TEST(key.read(one) == CKR_BUFFER_TOO_SMALL);
  BOOST_TEST((room == Bytes(66, 0xee)));
  BOOST_TEST(read(key, CKA_EC_POINT) == "044104" + to_hex(Bytes(32, 1)) + to_hex(Bytes(32, 2)));
  BOOST_TEST(read(key, CKA_EC_PARAMS) == "06082a8648ce3d030107");
}

BOOST_AUTO_TEST_CASE(an_object_is_found_by_all_that_is_wanted_or_not_at_all) {
  const Object key = Object::of(ec_key()).front();
  CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
  char label[] = "hub-tls", other[] = "hub-tlz";
  CK_ATTRIBUTE both[] = {{CKA_CLASS, &kind, sizeof kind}, {CKA_LABEL, label, 7}};
  BOOST_TEST(key.matches(both));
  BOOST_TEST(key.matches({}));
  both[1].ulValueLen = 6;
  BOOST_TEST(!key.matches(both));
  both[1] = {CKA_LABEL, other, 7};
  BOOST_TEST(!key.matches(both));
  CK_ATTRIBUTE absent[] = {{CKA_MODULUS, nullptr, 0}};
  BOOST_TEST(!key.matches(absent));
}

BOOST_AUTO_TEST_CASE(a_certificate_has_the_names_that_stand_in_it) {
  for (const char* version : {"a003020102", ""}) {
    HubKey key = ec_key();
    key.certificate = certificate_with(version);
    const Object certificate = Object::of(key).back();
    BOOST_TEST(read(certificate, CKA_SERIAL_NUMBER) == "020105");
    BOOST_TEST(read(certificate, CKA_ISSUER) == "300131");
    BOOST_TEST(read(certificate, CKA_SUBJECT) == "300132");
    BOOST_TEST(read(certificate, CKA_VALUE) == to_hex(key.certificate));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_certificate_has_no_names_and_harms_nobody) {
  const Bytes whole = certificate_with("a003020102");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    HubKey key = ec_key();
    key.certificate = Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    BOOST_TEST(read(Object::of(key).back(), CKA_SUBJECT) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
