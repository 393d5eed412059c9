#include "common/secret_bytes.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <type_traits>

#include <boost/test/unit_test.hpp>

#include "common/unique_fd.h"

using namespace hubseal;

namespace {

/// What stands at an address of our own, read through the kernel; false when nothing is mapped there.
bool peek(const void* address, char* out, std::size_t size) {
  const UniqueFd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  return ::pread(memory.get(), out, size, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(address))) ==
         static_cast<ssize_t>(size);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(secret_bytes)

static_assert(!std::is_copy_constructible_v<SecretBytes> && !std::is_copy_assignable_v<SecretBytes>);

BOOST_AUTO_TEST_CASE(the_value_is_there_with_a_nul_behind_it) {
  const SecretBytes secret = SecretBytes::copy_of("135790");
  BOOST_TEST(secret.size() == 6U);
  BOOST_TEST(std::strcmp(secret.c_str(), "135790") == 0);
  BOOST_TEST(SecretBytes().empty());
}

BOOST_AUTO_TEST_CASE(what_is_cut_off_is_wiped) {
  SecretBytes secret = SecretBytes::copy_of("135790\n");
  const char* const at = secret.c_str();
  secret.truncate(6);
  BOOST_TEST(secret.size() == 6U);
  BOOST_TEST(at[6] == '\0');
  secret.truncate(2);
  BOOST_TEST(std::memcmp(at, "13\0\0\0\0\0", 7) == 0);
}

BOOST_AUTO_TEST_CASE(moving_leaves_nothing_behind) {
  SecretBytes first = SecretBytes::copy_of("135790");
  const SecretBytes second = std::move(first);
  BOOST_TEST(first.empty());
  BOOST_TEST(std::strcmp(second.c_str(), "135790") == 0);
}

BOOST_AUTO_TEST_CASE(its_memory_is_gone_with_it) {
  const void* at = nullptr;
  char seen[6] = {};
  {
    const SecretBytes secret = SecretBytes::copy_of("135790");
    at = secret.c_str();
    BOOST_REQUIRE(peek(at, seen, sizeof seen));
    BOOST_TEST(std::memcmp(seen, "135790", 6) == 0);
  }
  BOOST_TEST((!peek(at, seen, sizeof seen) || std::memcmp(seen, "135790", 6) != 0));
}

BOOST_AUTO_TEST_CASE(its_pages_are_locked_and_left_out_of_dumps_and_forks) {
  const SecretBytes secret = SecretBytes::copy_of("135790");
  // VmFlags of the mapping: lo locked, dd do not dump, dc do not copy on fork (proc(5)).
  std::FILE* const smaps = std::fopen("/proc/self/smaps", "re");
  BOOST_REQUIRE(smaps != nullptr);
  const auto address = reinterpret_cast<std::uintptr_t>(secret.c_str());
  std::string flags;
  bool inside = false;
  for (char line[512]; std::fgets(line, sizeof line, smaps);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line, "%lx-%lx ", &begin, &end) == 2) inside = begin <= address && address < end;
    if (inside && std::strncmp(line, "VmFlags:", 8) == 0) flags = line;
  }
  std::fclose(smaps);
  BOOST_TEST(flags.find(" dd") != std::string::npos, flags);
  BOOST_TEST(flags.find(" dc") != std::string::npos, flags);
  BOOST_TEST((flags.find(" lo") != std::string::npos) == secret.locked(), flags);
}

BOOST_AUTO_TEST_SUITE_END()
