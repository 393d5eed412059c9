#include "common/x509/weak_key.h"

#include <cstdint>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <openssl/core_names.h>

namespace hubseal::x509 {
namespace {

constexpr std::uint64_t kSmallest = 752;     // factors below are looked for (CA/B Baseline 6.1.6)
constexpr std::uint64_t kLargestRoca = 167;  // of the primes that every key length of the faulty chip has in common
constexpr int kFermatRounds = 100;
// 2^4 * 3^2 * 5 * 7 * 11 * 13: one number in ninety is a square modulo this.
constexpr std::uint64_t kSquaresModulo = 720720;

static_assert(sizeof(BN_ULONG) == sizeof(std::uint64_t));

using BignumContextPtr = std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>>;

BignumPtr number(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  EVP_PKEY_get_bn_param(key, name, &value);
  return BignumPtr(value);
}

/// Odd primes whose product fits into 64 bits: one long division tells about all of them at once.
struct PrimeGroup {
  std::uint64_t product = 1;
  std::vector<std::uint64_t> primes;
};

/// All odd primes below kSmallest, in order.
const std::vector<PrimeGroup>& prime_groups() {
  static const std::vector<PrimeGroup> kGroups = [] {
    std::vector<PrimeGroup> groups(1);
    for (std::uint64_t candidate = 3; candidate < kSmallest; candidate += 2) {
      bool prime = true;
      for (std::uint64_t divisor = 3; divisor * divisor <= candidate; divisor += 2) prime &= candidate % divisor != 0;
      if (!prime) continue;
      if (groups.back().product > UINT64_MAX / candidate) groups.emplace_back();
      groups.back().product *= candidate;
      groups.back().primes.push_back(candidate);
    }
    return groups;
  }();
  return kGroups;
}

/// Whether `residue` is a power of 65537 modulo `prime`, which it is for every such prime in a modulus of the
/// faulty chip: its primes are k * M + 65537^a mod M, with M the product of the first primes.
bool is_power_of_65537(std::uint64_t residue, std::uint64_t prime) {
  std::uint64_t power = 1;
  do {
    if (power == residue) return true;
    power = power * 65537 % prime;
  } while (power != 1);
  return false;
}

/// The largest whole number whose square is not above `n`, by Newton's method from above.
BignumPtr square_root(const BIGNUM* n, BN_CTX* context) {
  BignumPtr root(BN_new()), next(BN_new());
  BN_set_bit(root.get(), (BN_num_bits(n) + 1) / 2);
  while (true) {
    BN_div(next.get(), nullptr, n, root.get(), context);
    BN_add(next.get(), next.get(), root.get());
    BN_rshift1(next.get(), next.get());
    if (BN_cmp(next.get(), root.get()) >= 0) return root;
    std::swap(root, next);
  }
}

bool is_square(const BIGNUM* n, BN_CTX* context) {
  const BignumPtr root = square_root(n, context), square(BN_new());
  BN_sqr(square.get(), root.get(), context);
  return BN_cmp(square.get(), n) == 0;
}

const std::vector<bool>& residues_of_squares() {
  static const std::vector<bool> kResidues = [] {
    std::vector<bool> residues(kSquaresModulo);
    for (std::uint64_t i = 0; i < kSquaresModulo; ++i) residues[i * i % kSquaresModulo] = true;
    return residues;
  }();
  return kResidues;
}

/// Fermat's method: n = a^2 - b^2 with a just above the root of n, when the primes a + b and a - b are close.
bool has_close_primes(const BIGNUM* n) {
  const BignumContextPtr context(BN_CTX_new());
  const BignumPtr a = square_root(n, context.get()), rest(BN_new());
  if (is_square(n, context.get())) return true;
  std::uint64_t a_residue = BN_mod_word(a.get(), kSquaresModulo);
  const std::uint64_t n_residue = BN_mod_word(n, kSquaresModulo);
  for (int round = 0; round < kFermatRounds; ++round) {
    BN_add_word(a.get(), 1);
    a_residue = (a_residue + 1) % kSquaresModulo;
    if (!residues_of_squares()[(a_residue * a_residue + kSquaresModulo - n_residue) % kSquaresModulo]) continue;
    BN_sqr(rest.get(), a.get(), context.get());
    BN_sub(rest.get(), rest.get(), n);
    if (is_square(rest.get(), context.get())) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> weakness_of_rsa(const EVP_PKEY* key) {
  const BignumPtr modulus = number(key, OSSL_PKEY_PARAM_RSA_N), exponent = number(key, OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !exponent) return "RSA key without modulus or exponent";
  const int bits = BN_num_bits(exponent.get());
  if (!BN_is_odd(exponent.get()) || bits > 256 || bits < 17)
    return fmt::format("RSA exponent of {} bits{}; wanted an odd one from 65537 to 2^256", bits,
                       BN_is_odd(exponent.get()) ? "" : ", even");
  bool divisible = !BN_is_odd(modulus.get()), roca = true;
  for (const PrimeGroup& group : prime_groups()) {
    const std::uint64_t residue = BN_mod_word(modulus.get(), group.product);
    divisible = divisible || std::gcd(group.product, residue) != 1;
    for (const std::uint64_t prime : group.primes)
      roca = roca && (prime > kLargestRoca || is_power_of_65537(residue % prime, prime));
  }
  if (divisible) return "RSA modulus with a small factor; wanted the product of two large primes";
  if (roca) return "RSA modulus of a chip with the ROCA fault (CVE-2017-15361); wanted a key made elsewhere";
  if (has_close_primes(modulus.get())) return "RSA modulus of two primes that are close together; wanted random ones";
  return std::nullopt;
}

}  // namespace hubseal::x509
