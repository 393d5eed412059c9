/// The one name that libhubseal-pkcs11.so exports.
#include "pkcs11/functions.h"

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  if (!list) return CKR_ARGUMENTS_BAD;
  *list = hubseal::pkcs11::function_list();
  return CKR_OK;
}
