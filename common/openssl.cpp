#include "common/openssl.h"

#include <system_error>

#include <openssl/err.h>
#include <openssl/provider.h>

namespace hubseal {

std::string drain_openssl_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const int number = ERR_GET_REASON(code);
    const bool of_system = ERR_SYSTEM_ERROR(code);
    if (!of_system && number == ERR_R_SYS_LIB) continue;  // says only that the one before it is the system's
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) text += "; ";
    text += of_system ? std::generic_category().message(number) : reason ? reason : "unknown reason";
  }
  return text.empty() ? "no reason given" : text;
}

OSSL_LIB_CTX* context_without_algorithms() {
  static OSSL_LIB_CTX* const kContext = [] {
    OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
    if (context) OSSL_PROVIDER_load(context, "null");
    return context;
  }();
  return kContext;
}

}  // namespace hubseal
