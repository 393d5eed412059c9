#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hubseal {

/// A PIN or a private value in memory.
/// Owns: pages of its own, locked (mlock), left out of core dumps and of fork, wiped when it goes.
/// Move-only and without operator<<, so that it cannot be copied or printed by accident.
/// Errors: where the lock is refused (RLIMIT_MEMLOCK) the memory is used all the same;
/// `locked()` tells.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size);  ///< `size` zero bytes, to be filled in place
  static SecretBytes copy_of(std::string_view value);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  std::span<std::uint8_t> bytes() { return {data_, size_}; }
  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }
  /// The value for a C function; always followed by a NUL that is not part of it.
  const char* c_str() const { return data_ ? reinterpret_cast<const char*>(data_) : ""; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool locked() const { return locked_; }
  /// Keeps the first `size` bytes and wipes the rest.
  void truncate(std::size_t size);

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;
  bool locked_ = false;
};

}  // namespace hubseal
