#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include <p11-kit/pkcs11.h>

#include "pkcs11/hub.h"

namespace hubseal::pkcs11 {

/// What a TLS library sees of a key: its private half (of which only that it signs), its public half, a certificate.
class Object {
 public:
  const std::string& label() const { return label_; }
  KeyType type() const { return type_; }
  bool is_private_key() const { return class_ == CKO_PRIVATE_KEY; }
  /// Which object it is, also when it is listed again.
  const Bytes& identity() const { return identity_; }

  bool matches(std::span<const CK_ATTRIBUTE> wanted) const;
  /// As C_GetAttributeValue has it, for one attribute.
  CK_RV read(CK_ATTRIBUTE& into) const;

  /// The two halves, and the certificate where there is one.
  static std::vector<Object> of(const HubKey& key);

 private:
  Object(const HubKey& key, CK_OBJECT_CLASS kind);
  void set(CK_ATTRIBUTE_TYPE type, ByteView value) { attributes_[type].assign(value.begin(), value.end()); }
  void set(CK_ATTRIBUTE_TYPE type, bool value);
  void set(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
  void describe_public_half(const HubKey& key);
  void describe_certificate(const HubKey& key);

  std::string label_;
  KeyType type_;
  CK_OBJECT_CLASS class_;
  Bytes identity_;
  std::map<CK_ATTRIBUTE_TYPE, Bytes> attributes_;
};

}  // namespace hubseal::pkcs11
