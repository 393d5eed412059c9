#pragma once

#include <string_view>

#include "common/result.h"
#include "hsm/pkcs11.h"

namespace hubseal::hsm {

/// What a CK_RV means for us.
enum class Cause {
  caller,        ///< the token works, but does not do this
  busy,          ///< out of sessions or of memory on the token; later it may work
  session_lost,  ///< session, login or object handle is void: another generation is needed
  token_gone,    ///< no token, or another one, in the slot
  device,        ///< the device or its module failed, or does not say why
  pin,           ///< the login was refused, and the code says why
  host,          ///< this process or its machine: memory, locks, self-test of the module
};
std::string_view to_string(Cause cause);

/// Whether everything begotten by this C_Initialize must be thrown away.
bool ends_generation(Cause cause);

struct ReturnCode {
  CK_RV value;
  std::string_view name;  ///< "CKR_DEVICE_REMOVED"
  Cause cause;
  std::string_view sentence;  ///< for the operator
  /// As the answer to C_Login: the PIN was certainly not tested and may be sent again. Any other answer may be
  /// how this module says that it is wrong, and there are few tries.
  bool pin_untested = false;
};

/// Unknown codes, vendors' own among them, count as a failure of the device: the cautious reading,
/// since such modules report a lost connection with them.
const ReturnCode& explain(CK_RV value);

/// "C_Sign: the device was removed (CKR_DEVICE_REMOVED)".
Error to_error(CK_RV value, std::string_view call);

}  // namespace hubseal::hsm
