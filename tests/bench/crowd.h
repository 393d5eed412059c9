#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.h"
#include "tests/bench/measure.h"

namespace hubseal::bench {

/// The size of the first whole reply in `received`, or 0 while it is not all there.
using ReplySize = std::size_t (*)(std::string_view received);
std::size_t line_size(std::string_view received);
std::size_t http_reply_size(std::string_view received);  ///< with Content-Length (RFC 9112 section 6.2)

/// Who is asked, and how one tells that it has answered, and answered well.
struct Service {
  std::function<UniqueFd()> connect;
  ReplySize reply_size = line_size;
  std::string_view good;  ///< stands in every reply that is no refusal
};
UniqueFd connect_unix(const std::string& path);
UniqueFd connect_loopback(unsigned port);  ///< TCP, 127.0.0.1

/// Many clients in one thread, each with a connection of its own and one request in flight. A thread
/// for each would take its two context switches per request from what is measured.
/// `next` gives a request, or nothing when there are no more.
/// Errors: throws when the service hangs up or refuses.
Measurement run_crowd(const Service& service, unsigned connections, Seconds time,
                      const std::function<std::optional<std::string_view>()>& next);

/// Each of `requests` once; they must outlive it.
std::function<std::optional<std::string_view>()> one_by_one(const std::vector<std::string>& requests);

}  // namespace hubseal::bench
