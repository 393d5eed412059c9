#include "daemon/descriptors.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace hubseal::daemon {

Result<> make_room_for_connections(unsigned max_connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fail(Code::internal, fmt::format("RLIMIT_NOFILE: {}", std::strerror(errno)));
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fail(Code::internal, fmt::format("RLIMIT_NOFILE: {}", std::strerror(errno)));
  const rlim_t wanted = rlim_t{kRoles.size()} * max_connections + kOwnDescriptors;
  if (limit.rlim_max >= wanted) return {};
  return fail(Code::bad_request,
              fmt::format("server.max_connections = {}: {} sockets x {} connections + {} for registry, audit log and "
                          "token = {} file descriptors; this process may have {} (RLIMIT_NOFILE). Lower "
                          "max_connections, or raise the limit (LimitNOFILE= of the unit)",
                          max_connections, kRoles.size(), max_connections, kOwnDescriptors, wanted, limit.rlim_max));
}

}  // namespace hubseal::daemon
