#include "pkcs11/objects.h"

#include <algorithm>
#include <cstring>

#include "common/x509/der.h"

namespace hubseal::pkcs11 {
namespace {

constexpr std::uint8_t kInteger = 0x02, kOctetString = 0x04, kSequence = 0x30, kVersion = 0xa0;
// OBJECT IDENTIFIER of the named curves (RFC 5480 section 2.1.1.1).
constexpr std::uint8_t kP256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::uint8_t kP384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};

/// What a private key has and nobody is shown.
constexpr CK_ATTRIBUTE_TYPE kSecrets[] = {CKA_VALUE,      CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                          CKA_EXPONENT_1, CKA_EXPONENT_2,       CKA_COEFFICIENT};

struct NameParts {
  ByteView serial, issuer, subject;  ///< DER
};

/// RFC 5280 4.1: of TBSCertificate, as far as these stand.
Result<NameParts> name_parts(ByteView certificate) {
  const x509::SignedShell shell = TRY(x509::open_shell(certificate));
  ByteView rest = TRY(x509::content_of(shell.to_be_signed, kSequence));
  if (!rest.empty() && rest.front() == kVersion) TRY(x509::take_value(rest));
  NameParts parts;
  parts.serial = TRY(x509::take_value(rest));
  TRY(x509::content_of(parts.serial, kInteger));
  TRY(x509::take_value(rest));  // signature algorithm
  parts.issuer = TRY(x509::take_value(rest));
  TRY(x509::take_value(rest));  // validity
  parts.subject = TRY(x509::take_value(rest));
  return parts;
}

}  // namespace

void Object::set(CK_ATTRIBUTE_TYPE type, bool value) {
  const CK_BBOOL byte = value ? CK_TRUE : CK_FALSE;
  set(type, ByteView(&byte, 1));
}

void Object::set(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
  set(type, ByteView(reinterpret_cast<const std::uint8_t*>(&value), sizeof value));
}

Object::Object(const HubKey& key, CK_OBJECT_CLASS kind) : label_(key.label), type_(key.type), class_(kind) {
  set(CKA_CLASS, kind);
  set(CKA_TOKEN, true);
  // Who may see it, the kernel and hubseald have said: there is no login.
  set(CKA_PRIVATE, false);
  set(CKA_MODIFIABLE, false);
  set(CKA_LABEL, as_bytes(label_));
  set(CKA_ID, ByteView(key.id));
  identity_ = key.id;
  identity_.push_back(static_cast<std::uint8_t>(kind));
}

void Object::describe_public_half(const HubKey& key) {
  set(CKA_KEY_TYPE, CK_ULONG{is_rsa(type_) ? CKK_RSA : CKK_EC});
  set(CKA_DERIVE, false);
  set(CKA_LOCAL, key.generated);
  if (is_rsa(type_)) {
    set(CKA_MODULUS, ByteView(key.modulus));
    set(CKA_PUBLIC_EXPONENT, ByteView(key.exponent));
    if (!is_private_key()) set(CKA_MODULUS_BITS, CK_ULONG{key.modulus.size() * 8});
    return;
  }
  set(CKA_EC_PARAMS, type_ == KeyType::ec_p256 ? ByteView(kP256) : ByteView(kP384));
  static constexpr std::uint8_t kUncompressed[] = {0x04};
  set(CKA_EC_POINT, ByteView(x509::der_value(kOctetString, {kUncompressed, key.x, key.y})));
}

void Object::describe_certificate(const HubKey& key) {
  set(CKA_CERTIFICATE_TYPE, CK_ULONG{CKC_X_509});
  set(CKA_TRUSTED, false);
  set(CKA_VALUE, ByteView(key.certificate));
  // One that replaces it for the same key is another object.
  identity_.insert(identity_.end(), key.certificate.begin(), key.certificate.end());
  const auto parts = name_parts(key.certificate);
  if (!parts) return;
  set(CKA_SUBJECT, parts->subject);
  set(CKA_ISSUER, parts->issuer);
  set(CKA_SERIAL_NUMBER, parts->serial);
}

std::vector<Object> Object::of(const HubKey& key) {
  Object signs(key, CKO_PRIVATE_KEY);
  signs.describe_public_half(key);
  for (const CK_ATTRIBUTE_TYPE can : {CKA_SIGN, CKA_SENSITIVE}) signs.set(can, true);
  for (const CK_ATTRIBUTE_TYPE cannot :
       {CKA_EXTRACTABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_SIGN_RECOVER, CKA_ALWAYS_AUTHENTICATE})
    signs.set(cannot, false);
  for (const CK_ATTRIBUTE_TYPE always : {CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE}) signs.set(always, key.generated);

  Object shown(key, CKO_PUBLIC_KEY);
  shown.describe_public_half(key);
  shown.set(CKA_VERIFY, true);
  for (const CK_ATTRIBUTE_TYPE cannot : {CKA_ENCRYPT, CKA_WRAP, CKA_VERIFY_RECOVER}) shown.set(cannot, false);

  std::vector<Object> objects = {std::move(signs), std::move(shown)};
  if (key.certificate.empty()) return objects;
  Object certificate(key, CKO_CERTIFICATE);
  certificate.describe_certificate(key);
  objects.push_back(std::move(certificate));
  return objects;
}

bool Object::matches(std::span<const CK_ATTRIBUTE> wanted) const {
  return std::all_of(wanted.begin(), wanted.end(), [this](const CK_ATTRIBUTE& one) {
    const auto found = attributes_.find(one.type);
    return found != attributes_.end() && found->second.size() == one.ulValueLen &&
           (one.ulValueLen == 0 || std::memcmp(found->second.data(), one.pValue, one.ulValueLen) == 0);
  });
}

CK_RV Object::read(CK_ATTRIBUTE& into) const {
  const auto found = attributes_.find(into.type);
  const CK_ULONG room = std::exchange(into.ulValueLen, CK_UNAVAILABLE_INFORMATION);
  if (found == attributes_.end())
    return is_private_key() && std::find(std::begin(kSecrets), std::end(kSecrets), into.type) != std::end(kSecrets)
               ? CKR_ATTRIBUTE_SENSITIVE
               : CKR_ATTRIBUTE_TYPE_INVALID;
  const Bytes& value = found->second;
  if (into.pValue && room < value.size()) return CKR_BUFFER_TOO_SMALL;
  if (into.pValue && !value.empty()) std::memcpy(into.pValue, value.data(), value.size());
  into.ulValueLen = value.size();
  return CKR_OK;
}

}  // namespace hubseal::pkcs11
