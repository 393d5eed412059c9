#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/crypto.h>

namespace hubseal::agent::auth {

/// Overwrites all of a text's memory; the text is empty then.
inline void wipe(std::string& text) noexcept {
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

/// A text that holds a secret for as long as a library wants it as a string.
class Wiped {
 public:
  /// A short one is copied when it is moved.
  explicit Wiped(std::string text) : text_(std::move(text)) { wipe(text); }
  /// One text of several, made in one piece: one that grew would leave shorter ones behind.
  static Wiped joined(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts) size += part.size();
    Wiped whole{std::string()};
    whole.text_.reserve(size);
    for (const std::string_view part : parts) whole.text_ += part;
    return whole;
  }
  ~Wiped() { wipe(text_); }
  Wiped(Wiped&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  Wiped& operator=(Wiped&&) = delete;

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Wipes somebody else's text when it goes, however that comes about; null: nothing.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(std::string* text) : text_(text) {}
  ~WipeAtEnd() {
    if (text_) wipe(*text_);
  }
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;

 private:
  std::string* const text_;
};

}  // namespace hubseal::agent::auth
