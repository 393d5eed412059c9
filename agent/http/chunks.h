#pragma once

#include <cstddef>
#include <string>

namespace hubseal::agent::http {

/// Takes a chunked body apart (RFC 9112 section 7.1) byte by byte, and knows when it is whole: Poco's own
/// stream takes the end of the connection for the end of the body, wherever it comes.
class Chunks {
 public:
  enum class State {
    more,       ///< the body goes on
    complete,   ///< the last chunk, its trailers and the empty line were taken; nothing after them
    too_large,  ///< the content is above the cap, or a chunk announces that it will be
    broken,     ///< not chunks
  };

  /// The content is appended to `body`, which gets at most `max_bytes`. Extensions and trailers are
  /// read within a bound and thrown away.
  Chunks(std::string& body, std::size_t max_bytes) : body_(body), max_bytes_(max_bytes) {}

  /// To be called until it says anything but more.
  State take(char c);

 private:
  enum class Part { size, content, content_end, trailer };

  State take_line();
  State take_size();

  std::string& body_;
  const std::size_t max_bytes_;
  Part part_ = Part::size;
  std::string line_;           ///< of a size, of what follows a chunk, of a trailer; up to its CRLF
  std::size_t left_ = 0;       ///< of the chunk
  std::size_t discarded_ = 0;  ///< bytes of extensions and trailers
};

}  // namespace hubseal::agent::http
