/// The PKCS#11 header. Included by .cpp files and by headers that only they include: nothing that
/// the daemon sees (signer.h, token_config.h, token_signer.h, init_token.h) may lead here.
#pragma once

#include <p11-kit/pkcs11.h>

// The header's compatibility names end in macros of everyday words.
#undef TRUE
#undef FALSE
