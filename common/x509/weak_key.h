/// RSA keys that are long enough and weak all the same (CA/B Baseline 6.1.1.3).
#pragma once

#include <optional>
#include <string>

#include "common/openssl.h"

namespace hubseal::x509 {

/// What is weak about the numbers of an RSA key, in words; nothing for a sound one:
///   an exponent that is even, below 65537 or above 2^256
///   a modulus with a factor below 752
///   ROCA (CVE-2017-15361): primes of a faulty chip, told by the modulus alone
///   primes so close together that a hundred rounds of Fermat's method find them
/// Debian's weak keys of 2008 are not told: Debian 12 has no package that lists them.
std::optional<std::string> weakness_of_rsa(const EVP_PKEY* key);

}  // namespace hubseal::x509
