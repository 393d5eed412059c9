#pragma once

#include <string>
#include <utility>

#include <openssl/crypto.h>

namespace hubseal::agent::auth {

/// A text that holds a secret for as long as a library wants it as a string.
class Wiped {
 public:
  explicit Wiped(std::string text) : text_(std::move(text)) {}
  ~Wiped() { OPENSSL_cleanse(text_.data(), text_.size()); }
  Wiped(Wiped&& other) noexcept : text_(std::move(other.text_)) {
    OPENSSL_cleanse(other.text_.data(), other.text_.size());
  }
  Wiped& operator=(Wiped&&) = delete;

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace hubseal::agent::auth
