#include "common/openssl.h"

#include <openssl/err.h>
#include <openssl/provider.h>

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

OSSL_LIB_CTX* context_without_algorithms() {
  static OSSL_LIB_CTX* const kContext = [] {
    OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
    if (context) OSSL_PROVIDER_load(context, "null");
    return context;
  }();
  return kContext;
}

}  // namespace hubseal
