#!/usr/bin/python3
"""Makes tests/vectors/weak_keys.txt: RSA moduli of 2048 bits, one a line after what is wrong with it. Run by hand.

    roca    primes of the form k * M + 65537^a mod M (Nemec et al., "The Return of Coppersmith's Attack", 2017)
    fermat  two primes next to each other
    square  one prime twice
    sound   two random primes
"""
import pathlib
import random
import secrets

SMALL = [p for p in range(2, 752) if all(p % d for d in range(2, int(p ** .5) + 1))]
RANDOM = random.SystemRandom()


def is_prime(n):
    if any(n % p == 0 for p in SMALL):
        return n in SMALL
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(24):
        x = pow(RANDOM.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def random_prime(bits=1024):
    while True:
        candidate = secrets.randbits(bits) | 3 << (bits - 2) | 1
        if is_prime(candidate):
            return candidate


def next_prime(n):
    n += 2
    while not is_prime(n):
        n += 2
    return n


def roca_prime():
    m = 1
    for p in SMALL[:126]:  # for keys of 1984 to 3936 bits
        m *= p
    while True:
        candidate = RANDOM.randrange((3 << 1022) // m, (1 << 1024) // m) * m + pow(65537, secrets.randbits(256), m)
        if candidate.bit_length() == 1024 and is_prime(candidate):
            return candidate


def make():
    p = random_prime()
    yield "fermat", p * next_prime(p)
    yield "square", p * p
    for _ in range(3):
        yield "roca", roca_prime() * roca_prime()
        yield "sound", random_prime() * random_prime()


if __name__ == "__main__":
    (pathlib.Path(__file__).parent / "weak_keys.txt").write_text("".join(f"{word} {n:x}\n" for word, n in make()))
