#include "common/audit/stored_hashes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace hubseal::audit {
namespace {

constexpr std::size_t kSize = sizeof(Hash);

tl::unexpected<Error> fail_errno(Code code, std::string_view doing) {
  const int problem = errno;
  return fail(code, fmt::format("hashes of the audit log: {}: {}", doing, std::strerror(problem)));
}

}  // namespace

Result<StoredHashes> StoredHashes::open(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno(Code::storage_unavailable, file.string());
  return StoredHashes(std::move(fd));
}

Result<StoredHashes> StoredHashes::open_to_read(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(Code::not_found, file.string());
  return StoredHashes(std::move(fd));
}

Result<std::uint64_t> StoredHashes::count() const {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return fail_errno(Code::storage_unavailable, "fstat");
  return static_cast<std::uint64_t>(info.st_size) / kSize;
}

Result<> StoredHashes::truncate(std::uint64_t count) const {
  if (::ftruncate(fd_.get(), static_cast<off_t>(count * kSize)) != 0)
    return fail_errno(Code::storage_unavailable, "truncate");
  return {};
}

Result<> StoredHashes::write(std::uint64_t at, std::span<const Hash> hashes) const {
  const auto* from = reinterpret_cast<const char*>(hashes.data());
  std::size_t left = hashes.size() * kSize;
  auto position = static_cast<off_t>(at * kSize);
  while (left > 0) {
    const ssize_t put = ::pwrite(fd_.get(), from, left, position);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(Code::storage_unavailable, "cannot be written");
    from += put;
    position += put;
    left -= static_cast<std::size_t>(put);
  }
  return {};
}

Result<Hash> StoredHashes::read(unsigned level, std::uint64_t n) const {
  Hash hash;
  const auto at = static_cast<off_t>(stored_index(level, n) * kSize);
  ssize_t got = 0;
  do got = ::pread(fd_.get(), hash.data(), kSize, at);
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno(Code::storage_unavailable, "cannot be read");
  if (static_cast<std::size_t>(got) != kSize)
    return fail(Code::storage_unavailable, fmt::format("hashes of the audit log: no hash {} of level {}", n, level));
  return hash;
}

}  // namespace hubseal::audit
