#include "common/audit/merkle.h"

#include <map>

#include <boost/test/unit_test.hpp>

#include "common/key_types.h"

using namespace hubseal;
using namespace hubseal::audit;

namespace {

constexpr std::uint64_t kMost = 40;

/// A tree whose completed hashes are remembered in the order in which they came.
struct Grown {
  void grow(std::uint64_t size) {
    while (tree.size() < size) {
      const std::string record = "record " + std::to_string(tree.size());
      leaves.push_back(leaf_hash(as_bytes(record)));
      tree.append(leaves.back(), [&](const Hash& hash) { stored.push_back(hash); });
      roots.push_back(tree.root());
    }
  }
  HashReader reader() {
    return [this](unsigned level, std::uint64_t n) -> Result<Hash> { return stored.at(stored_index(level, n)); };
  }

  Tree tree;
  std::vector<Hash> leaves, stored;
  std::vector<Hash> roots{sha256({})};
};

/// By the definition of RFC 6962 section 2.1, nothing remembered.
Hash defined_root(std::span<const Hash> leaves) {
  if (leaves.size() == 1) return leaves[0];
  std::size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return node_hash(defined_root(leaves.first(split)), defined_root(leaves.subspan(split)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(merkle)

// The test vectors of certificate-transparency's own implementations.
BOOST_AUTO_TEST_CASE(RFC_6962_2_1_roots_are_those_that_others_compute) {
  const std::pair<const char*, const char*> steps[] = {
      {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
      {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
      {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
      {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
      {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
      {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
      {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
      {"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"}};
  Tree tree;
  BOOST_TEST(to_hex(tree.root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (const auto& [leaf, root] : steps) {
    tree.append(leaf_hash(from_hex(leaf).value()));
    BOOST_TEST(to_hex(tree.root()) == root);
  }
}

BOOST_AUTO_TEST_CASE(a_tree_that_grows_has_the_root_of_the_definition_and_can_be_read_back_at_every_size) {
  Grown grown;
  grown.grow(kMost);
  BOOST_TEST(grown.stored.size() == stored_count(kMost));
  for (std::uint64_t size = 1; size <= kMost; ++size) {
    BOOST_TEST(to_hex(grown.roots[size]) == to_hex(defined_root(std::span(grown.leaves).first(size))));
    const auto read = read_tree(size, grown.reader());
    BOOST_TEST(to_hex(read.value().root()) == to_hex(grown.roots[size]));
  }
}

BOOST_AUTO_TEST_CASE(RFC_6962_2_1_each_leaf_of_each_tree_is_proven_and_no_other_is) {
  Grown grown;
  grown.grow(kMost);
  for (std::uint64_t size = 1; size <= kMost; ++size)
    for (std::uint64_t leaf = 0; leaf < size; ++leaf) {
      auto proof = inclusion_proof(leaf, size, grown.reader()).value();
      const Hash& root = grown.roots[size];
      BOOST_TEST(verify_inclusion(grown.leaves[leaf], leaf, size, proof, root));
      BOOST_TEST(!verify_inclusion(grown.leaves[(leaf + 1) % kMost], leaf, size, proof, root));
      BOOST_TEST(!verify_inclusion(grown.leaves[leaf], leaf, size, proof, grown.roots[size - 1]));
      if (size > 1) BOOST_TEST(!verify_inclusion(grown.leaves[leaf], (leaf + 1) % size, size, proof, root));
      proof.push_back(root);
      BOOST_TEST(!verify_inclusion(grown.leaves[leaf], leaf, size, proof, root));
    }
  BOOST_TEST(!inclusion_proof(5, 5, grown.reader()).has_value());
}

BOOST_AUTO_TEST_CASE(RFC_6962_2_1_each_tree_is_proven_to_begin_with_each_smaller_one_and_with_no_other) {
  Grown grown;
  grown.grow(kMost);
  for (std::uint64_t size = 1; size <= kMost; ++size)
    for (std::uint64_t old = 1; old <= size; ++old) {
      auto proof = consistency_proof(old, size, grown.reader()).value();
      BOOST_TEST(verify_consistency(old, grown.roots[old], size, grown.roots[size], proof));
      BOOST_TEST(!verify_consistency(old, grown.roots[old - 1], size, grown.roots[size], proof));
      if (old != size) BOOST_TEST(!verify_consistency(old, grown.roots[old], size, grown.roots[size - 1], proof));
      proof.push_back(grown.roots[old]);
      BOOST_TEST(!verify_consistency(old, grown.roots[old], size, grown.roots[size], proof));
    }
  BOOST_TEST(!consistency_proof(0, 5, grown.reader()).has_value());
  BOOST_TEST(!consistency_proof(6, 5, grown.reader()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
