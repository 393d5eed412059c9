#include "common/openssl.h"

#include <openssl/err.h>

namespace hubseal {

std::string drain_openssl_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) text += "; ";
    text += reason ? reason : "unknown reason";
  }
  return text.empty() ? "no reason given" : text;
}

}  // namespace hubseal
