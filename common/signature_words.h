#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "common/key_types.h"

namespace hubseal {

/// Hash and padding of a signature in the words that travel.
constexpr std::array<std::pair<std::string_view, SignatureAlgorithm>, 9> kSignatureWords = {{
    {"rsa_pkcs1_sha256", SignatureAlgorithm::rsa_pkcs1_sha256},
    {"rsa_pkcs1_sha384", SignatureAlgorithm::rsa_pkcs1_sha384},
    {"rsa_pkcs1_sha512", SignatureAlgorithm::rsa_pkcs1_sha512},
    {"rsa_pss_sha256", SignatureAlgorithm::rsa_pss_sha256},
    {"rsa_pss_sha384", SignatureAlgorithm::rsa_pss_sha384},
    {"rsa_pss_sha512", SignatureAlgorithm::rsa_pss_sha512},
    {"ecdsa_sha256", SignatureAlgorithm::ecdsa_sha256},
    {"ecdsa_sha384", SignatureAlgorithm::ecdsa_sha384},
    {"ecdsa_sha512", SignatureAlgorithm::ecdsa_sha512},
}};

}  // namespace hubseal
