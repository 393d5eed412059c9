#pragma once

#include <p11-kit/pkcs11.h>

namespace hubseal::pkcs11 {

/// PKCS#11 2.40, as far as a TLS library needs it: look at what there is, and sign. All else is
/// CKR_FUNCTION_NOT_SUPPORTED: nothing is made, changed, unwrapped, decrypted or derived here.
CK_FUNCTION_LIST* function_list();

}  // namespace hubseal::pkcs11
