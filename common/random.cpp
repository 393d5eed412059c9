#include "common/random.h"

#include <openssl/rand.h>

#include "common/openssl.h"

namespace hubseal {

Result<std::string> random_secret() {
  Bytes bytes(32);
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return fail(Code::internal, "no random numbers: " + drain_openssl_errors());
  return to_base64url(bytes);
}

}  // namespace hubseal
