#include "common/secret_bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <utility>

#include <openssl/crypto.h>

namespace hubseal {

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  mapped_ = (size + 1 + page - 1) / page * page;
  void* memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<std::uint8_t*>(memory);
  locked_ = ::mlock(data_, mapped_) == 0;
  ::madvise(data_, mapped_, MADV_DONTDUMP);
  ::madvise(data_, mapped_, MADV_DONTFORK);
}

SecretBytes SecretBytes::copy_of(std::string_view value) {
  SecretBytes secret(value.size());
  std::memcpy(secret.data_, value.data(), value.size());
  return secret;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)),
      locked_(std::exchange(other.locked_, false)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapped_, other.mapped_);
  std::swap(locked_, other.locked_);
  return *this;
}

SecretBytes::~SecretBytes() {
  if (!data_) return;
  OPENSSL_cleanse(data_, mapped_);
  ::munmap(data_, mapped_);
}

void SecretBytes::truncate(std::size_t size) {
  if (size >= size_) return;
  OPENSSL_cleanse(data_ + size, size_ - size);
  size_ = size;
}

}  // namespace hubseal
