/// The last look before a signature: the finished to-be-signed bytes, made into a complete certificate by a
/// signature that means nothing (decision 014), are parsed by OpenSSL as anybody else would parse them and
/// compared with profile and register field by field. Checks on the request alone have failed others.
#pragma once

#include "daemon/ca/prepare.h"

namespace hubseal::ca {

/// What the certificate must turn out to be.
struct Wanted {
  const Profile& profile;
  const Issuer* issuer;            ///< null for a self-signed root
  const Participant* participant;  ///< null likewise
  std::string_view ca;             ///< name of the issuing CA
  ByteView spki;                   ///< the subject's key, in the one encoding that DER has
  KeyType key_type;                ///< of the subject's key
};

/// prepare_certificate and prepare_root end with this; nobody else needs to call it.
/// The throwaway keys (RSA-1024 and P-256) are made once per process, sign one byte once and are gone.
/// Returns the certificate that was read: all but its signature is what will be released.
/// Errors: internal, "lint: <rule>: found ..., wanted ...": the builder has a bug.
Result<x509::Certificate> lint(const Prepared& prepared, const Wanted& wanted);

/// What `prepared` becomes but for its signature, for who shows it to people before it is signed. Errors: internal.
Result<x509::Certificate> throwaway_certificate(const Prepared& prepared);

/// Makes and uses the throwaway keys now, so that no request waits the tenth of a second that RSA takes.
void make_throwaway_signatures();

}  // namespace hubseal::ca
