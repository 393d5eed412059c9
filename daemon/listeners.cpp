#include "daemon/listeners.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "common/files.h"
#include "common/log.h"
#include "daemon/folders.h"

namespace hubseal::daemon {
namespace {

constexpr int kBacklog = 128;
constexpr char kKey[] = "server.runtime_dir";

tl::unexpected<Error> fail_errno(Code code, const std::string& what) {
  const int problem = errno;
  return fail(code, fmt::format("{}: {}", what, std::strerror(problem)));
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Code::bad_request, fmt::format("socket path {} has {} bytes, at most {} fit; choose a shorter "
                                               "runtime_dir",
                                               path, path.size(), sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

tl::unexpected<Error> not_our_group(const std::string& path, const PeerRule& rule, int problem) {
  return fail(Code::bad_request,
              fmt::format("{} cannot be given to gid {} of peer \"{}\": {}; put the user that runs hubseald (uid {}) "
                          "into that group, or let systemd make the sockets",
                          path, *rule.gid, rule.name, std::strerror(problem), ::geteuid()));
}

bool may_give_to_any_group() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  return ::syscall(SYS_capget, &header, data.data()) == 0 && (data[0].effective & (1U << CAP_CHOWN)) != 0;
}

bool is_in_group(gid_t group) {
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return group == ::getegid() || std::find(groups.begin(), groups.end(), group) != groups.end();
}

/// A socket left behind by a daemon that is gone may be replaced; one that answers may not.
Result<> clear_path(const std::string& path, const sockaddr_un& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return fail(Code::conflict, fmt::format("another hubseald listens on {}", path));
  if (errno == ENOENT) return {};
  if (errno != ECONNREFUSED) return fail_errno(Code::conflict, path);
  if (::unlink(path.c_str()) != 0) return fail_errno(Code::internal, path);
  return {};
}

std::filesystem::path socket_path(const std::filesystem::path& runtime_dir, Role role) {
  return runtime_dir / fmt::format("{}.sock", to_string(role));
}

Result<Listener> bind_own(const std::filesystem::path& runtime_dir, Role role, const std::vector<PeerRule>& rules) {
  const std::string path = socket_path(runtime_dir, role);
  const sockaddr_un address = TRY(address_of(path));
  TRY(clear_path(path, address));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno(Code::internal, path);
  // umask is 0077 until the mode is set: nobody slips in between bind and chmod.
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return folder_problem(kKey, path);
  for (const PeerRule& rule : rules)
    if (rule.role == role && rule.gid && ::chown(path.c_str(), static_cast<uid_t>(-1), *rule.gid) != 0)
      return not_our_group(path, rule, errno);
  if (::chmod(path.c_str(), 0660) != 0) return fail_errno(Code::internal, "chmod " + path);
  if (::listen(fd.get(), kBacklog) != 0) return fail_errno(Code::internal, path);
  return Listener{role, std::move(fd)};
}

/// Makes what is missing on the way there, open to pass through whatever our umask is: who may connect is said by mode
/// and group of each socket, and a folder that is closed would refuse them all.
Result<> make_runtime_dir(const std::filesystem::path& runtime_dir) {
  std::error_code problem;
  // Not chmod afterwards: what a start that was killed in between leaves would look like somebody else's. This umask is
  // that of all threads: what others make meanwhile is passed through at most, neither read nor written.
  const mode_t before = ::umask(0066);
  std::filesystem::create_directories(runtime_dir, problem);
  ::umask(before);
  if (problem) {
    errno = problem.value();
    return folder_problem(kKey, runtime_dir);
  }
  // Modes and groups of sockets are set by path: nobody else may put a link in a folder's or a socket's place.
  return check_trusted_path(runtime_dir);
}

/// Of a folder that was there, and is not ours to open.
void tell_who_is_kept_out(const std::filesystem::path& runtime_dir, const std::vector<PeerRule>& rules) {
  struct stat folder {};
  if (::stat(runtime_dir.c_str(), &folder) != 0 || (folder.st_mode & S_IXOTH) != 0) return;
  for (const PeerRule& rule : rules)
    if (rule.gid && !(folder.st_gid == *rule.gid && (folder.st_mode & S_IXGRP) != 0))
      log::warning("this group cannot reach its socket: wanted chmod o+x of runtime_dir",
                   {{"runtime_dir", runtime_dir.string()},
                    {"mode", fmt::format("{:04o}", folder.st_mode & 07777)},
                    {"gid", std::to_string(*rule.gid)},
                    {"peer", rule.name}});
}

Result<std::vector<Listener>> take_passed(int count, char** names) {
  std::vector<Listener> listeners;
  for (int i = 0; i < count; ++i) {
    UniqueFd fd(SD_LISTEN_FDS_START + i);
    const std::string name = names[i];
    const auto* found =
        std::find_if(kRoles.begin(), kRoles.end(), [&](const auto& role) { return role.first == name; });
    if (found == kRoles.end())
      return fail(Code::bad_request, fmt::format("systemd passed a socket called \"{}\"; wanted FileDescriptorName= "
                                                 "agent, jws, tls, admin or audit",
                                                 log::printable(name, 64)));
    if (std::any_of(listeners.begin(), listeners.end(), [&](const Listener& l) { return l.role == found->second; }))
      return fail(Code::bad_request,
                  fmt::format("systemd passed two sockets called \"{}\"; wanted one of each name", name));
    if (sd_is_socket_unix(fd.get(), SOCK_STREAM, 1, nullptr, 0) <= 0)
      return fail(Code::bad_request, fmt::format("socket \"{}\" is not a listening Unix stream socket", name));
    // A client that leaves between poll and accept must not leave us waiting in accept.
    ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    listeners.push_back({found->second, std::move(fd)});
  }
  return listeners;
}

}  // namespace

Result<> check_runtime_dir(const std::filesystem::path& runtime_dir) {
  for (const auto& [name, role] : kRoles) TRY(address_of(socket_path(runtime_dir, role)));
  TRY(check_folder(kKey, runtime_dir));
  std::error_code problem;
  if (std::filesystem::exists(runtime_dir, problem)) TRY(check_trusted_path(runtime_dir));
  return {};
}

Result<> check_socket_groups(const std::filesystem::path& runtime_dir, const std::vector<PeerRule>& rules) {
  if (may_give_to_any_group()) return {};
  for (const PeerRule& rule : rules) {
    if (!rule.gid || is_in_group(*rule.gid)) continue;
    const std::string path = socket_path(runtime_dir, rule.role).string();
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && info.st_gid == *rule.gid) continue;
    return not_our_group(path, rule, EPERM);
  }
  return {};
}

bool are_sockets_passed() { return ::sd_listen_fds(0) > 0; }

Result<std::vector<Listener>> open_listeners(const std::filesystem::path& runtime_dir,
                                             const std::vector<PeerRule>& rules) {
  char** names = nullptr;
  const int passed = sd_listen_fds_with_names(1, &names);
  if (passed < 0) return fail(Code::bad_request, fmt::format("LISTEN_FDS: {}", std::strerror(-passed)));
  if (passed > 0) {
    auto listeners = take_passed(passed, names);
    for (int i = 0; i < passed; ++i) std::free(names[i]);
    std::free(names);
    return listeners;
  }
  TRY(check_runtime_dir(runtime_dir));
  TRY(make_runtime_dir(runtime_dir));
  tell_who_is_kept_out(runtime_dir, rules);
  std::vector<Listener> listeners;
  for (const auto& [name, role] : kRoles) listeners.push_back(TRY(bind_own(runtime_dir, role, rules)));
  return listeners;
}

}  // namespace hubseal::daemon
