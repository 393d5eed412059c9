#include "common/audit/merkle.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "common/key_types.h"

namespace hubseal::audit {
namespace {

/// The largest power of two that is smaller than `size`; `size` is at least 2.
std::uint64_t split_of(std::uint64_t size) { return std::bit_floor(size - 1); }

/// Hash of the leaves [from, from + size): one completed hash where they are a subtree, else put together.
Result<Hash> range_hash(std::uint64_t from, std::uint64_t size, const HashReader& read) {
  if (std::has_single_bit(size)) {
    const auto level = static_cast<unsigned>(std::countr_zero(size));
    return read(level, from >> level);
  }
  const std::uint64_t left = split_of(size);
  const Hash one = TRY(range_hash(from, left, read));
  return node_hash(one, TRY(range_hash(from + left, size - left, read)));
}

/// RFC 6962 section 2.1.2, SUBPROOF. `whole`: the old tree is a subtree whose root the verifier has.
Result<> subproof(std::uint64_t old_size, std::uint64_t from, std::uint64_t size, bool whole, const HashReader& read,
                  std::vector<Hash>& proof) {
  if (old_size == size) {
    if (!whole) proof.push_back(TRY(range_hash(from, size, read)));
    return {};
  }
  const std::uint64_t left = split_of(size);
  if (old_size <= left) {
    TRY(subproof(old_size, from, left, whole, read, proof));
    proof.push_back(TRY(range_hash(from + left, size - left, read)));
  } else {
    TRY(subproof(old_size - left, from + left, size - left, false, read, proof));
    proof.push_back(TRY(range_hash(from, left, read)));
  }
  return {};
}

}  // namespace

Hash leaf_hash(ByteView record) {
  thread_local Bytes input;  // one call over one buffer: EVP's contexts would cost more than the hash itself
  input.assign(1, 0);
  input.insert(input.end(), record.begin(), record.end());
  return sha256(input);
}

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<std::uint8_t, 65> input;
  input[0] = 1;
  std::copy(left.begin(), left.end(), input.begin() + 1);
  std::copy(right.begin(), right.end(), input.begin() + 33);
  return sha256(input);
}

void Tree::append(const Hash& leaf, const Sink& sink) {
  Hash hash = leaf;
  if (sink) sink(hash);
  // Each trailing one of the old size is a subtree that the new leaf makes twice as large.
  for (std::uint64_t rest = size_; rest & 1; rest >>= 1) {
    hash = node_hash(subtrees_.back(), hash);
    subtrees_.pop_back();
    if (sink) sink(hash);
  }
  subtrees_.push_back(hash);
  ++size_;
}

Hash Tree::root() const {
  if (subtrees_.empty()) return sha256({});
  Hash root = subtrees_.back();
  for (std::size_t i = subtrees_.size() - 1; i-- > 0;) root = node_hash(subtrees_[i], root);
  return root;
}

std::uint64_t stored_index(unsigned level, std::uint64_t n) {
  // A hash is written right after the second of its two halves.
  for (unsigned l = level; l > 0; --l) n = 2 * n + 1;
  return stored_count(n) + level;
}

std::uint64_t stored_count(std::uint64_t leaves) {
  std::uint64_t count = 0;
  for (; leaves > 0; leaves >>= 1) count += leaves;
  return count;
}

Result<Tree> read_tree(std::uint64_t size, const HashReader& read) {
  std::vector<Hash> subtrees;
  std::uint64_t from = 0;
  for (std::uint64_t rest = size; rest > 0;) {
    const std::uint64_t part = std::bit_floor(rest);
    subtrees.push_back(TRY(range_hash(from, part, read)));
    from += part;
    rest -= part;
  }
  return Tree::of(size, std::move(subtrees));
}

Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const HashReader& read) {
  if (index >= size) return fail(Code::bad_request, fmt::format("leaf {} is not in a tree of {}", index, size));
  std::vector<Hash> proof;
  std::uint64_t from = 0;
  // From the root down; the proof is wanted from the leaf up.
  while (size > 1) {
    const std::uint64_t left = split_of(size);
    const bool right = index >= left;
    proof.push_back(TRY(right ? range_hash(from, left, read) : range_hash(from + left, size - left, read)));
    if (right) {
      from += left;
      index -= left;
      size -= left;
    } else {
      size = left;
    }
  }
  return std::vector<Hash>(proof.rbegin(), proof.rend());
}

Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size, const HashReader& read) {
  if (old_size == 0 || old_size > size)
    return fail(Code::bad_request, fmt::format("a tree of {} is no beginning of one of {}", old_size, size));
  std::vector<Hash> proof;
  TRY(subproof(old_size, 0, size, true, read, proof));
  return proof;
}

bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const std::vector<Hash>& proof,
                      const Hash& root) {
  if (index >= size) return false;
  std::uint64_t node = index, last = size - 1;
  Hash hash = leaf;
  for (const Hash& other : proof) {
    if (last == 0) return false;
    if (node & 1 || node == last) {
      hash = node_hash(other, hash);
      while (!(node & 1) && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_hash(hash, other);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size, const Hash& root,
                        const std::vector<Hash>& proof) {
  if (old_size == 0 || old_size > size) return false;
  if (old_size == size) return proof.empty() && old_root == root;
  std::uint64_t node = old_size - 1, last = size - 1;
  while (node & 1) {
    node >>= 1;
    last >>= 1;
  }
  std::size_t next = 0;
  if (!node && proof.empty()) return false;
  Hash first = node ? Hash{} : old_root;
  if (node) {
    if (proof.empty()) return false;
    first = proof[next++];
  }
  Hash second = first;
  for (; next < proof.size(); ++next) {
    if (last == 0) return false;
    if (node & 1 || node == last) {
      first = node_hash(proof[next], first);
      second = node_hash(proof[next], second);
      while (!(node & 1) && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      second = node_hash(second, proof[next]);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && first == old_root && second == root;
}

}  // namespace hubseal::audit
