/// The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1): one leaf a record. Its root vouches for every byte
/// of every record and for their order; proofs are a few hashes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace hubseal::audit {

using Hash = std::array<std::uint8_t, 32>;  ///< SHA-256

/// SHA-256(0x00 || record)
Hash leaf_hash(ByteView record);
/// SHA-256(0x01 || left || right)
Hash node_hash(const Hash& left, const Hash& right);

/// A tree that only grows, kept as the roots of its complete subtrees: at most 64 hashes, whatever its size.
/// Threads: one at a time.
class Tree {
 public:
  /// Called with each hash that the new leaf completes, leaf first, then upwards: the order of stored_index.
  using Sink = std::function<void(const Hash&)>;

  void append(const Hash& leaf, const Sink& sink = {});
  std::uint64_t size() const { return size_; }
  /// Of the empty tree: SHA-256 of nothing.
  Hash root() const;

  /// The tree of this size, from the roots of its complete subtrees, largest first.
  static Tree of(std::uint64_t size, std::vector<Hash> subtrees) { return Tree(size, std::move(subtrees)); }
  Tree() = default;

 private:
  Tree(std::uint64_t size, std::vector<Hash> subtrees) : size_(size), subtrees_(std::move(subtrees)) {}

  std::uint64_t size_ = 0;
  std::vector<Hash> subtrees_;  // largest first
};

/// Where hash `n` of `level` stands among all hashes in the order in which leaves complete them (as tlog files have
/// it): level 0 are the leaves, hash n of level l covers leaves [n * 2^l, (n + 1) * 2^l).
std::uint64_t stored_index(unsigned level, std::uint64_t n);
/// How many hashes a tree of `leaves` has completed.
std::uint64_t stored_count(std::uint64_t leaves);

/// Reads one completed hash.
using HashReader = std::function<Result<Hash>(unsigned level, std::uint64_t n)>;

/// The tree of this size, read from its completed hashes.
Result<Tree> read_tree(std::uint64_t size, const HashReader& read);

/// RFC 6962 section 2.1.1: that leaf `index` (from 0) is in the tree of `size`. Errors: bad_request.
Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const HashReader& read);
/// RFC 6962 section 2.1.2: that the tree of `size` begins with the tree of `old_size`, which is not 0. Errors:
/// bad_request.
Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size, const HashReader& read);

/// RFC 9162 section 2.1.3.2.
bool verify_inclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size, const std::vector<Hash>& proof,
                      const Hash& root);
/// RFC 9162 section 2.1.4.2.
bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size, const Hash& root,
                        const std::vector<Hash>& proof);

}  // namespace hubseal::audit
