#pragma once

#include <string>

#include "common/bytes.h"
#include "common/openssl.h"

namespace hubseal::test {

/// Somebody else's root CA, made with libcrypto alone.
class OutsideRoot {
 public:
  OutsideRoot();

  std::string pem() const;
  /// A CA's certificate (path length 0, keyCertSign and cRLSign) for this key, PEM. `csr` is PEM and gives the subject;
  /// without one it is CN=Imported CA,O=Example Hub,C=KE.
  std::string certify(ByteView spki, const std::string& csr = {}) const;

 private:
  PkeyPtr key_;
  CertificatePtr certificate_;
};

}  // namespace hubseal::test
