#include "cli/ceremony/pin_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "common/secret_bytes.h"
#include "common/unique_fd.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kPinCharacters = 32;  // of 6 bits each: 192 bits

tl::unexpected<Error> fail_errno(const std::filesystem::path& path, const char* doing) {
  const int problem = errno;
  return fail(Code::bad_request, fmt::format("{}: {}: {}", path.string(), doing, std::strerror(problem)));
}

/// Six bits of each random byte choose a character of base64url; every PIN is as likely as another.
Result<SecretBytes> random_pin() {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  SecretBytes pin(kPinCharacters);
  const auto bytes = pin.bytes();
  // getrandom() gives up to 256 bytes in one piece.
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return fail(Code::internal, fmt::format("getrandom: {}", std::strerror(errno)));
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(kAlphabet[byte & 63]);
  return pin;
}

Result<> ensure_folder(const std::filesystem::path& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    if (::mkdir(folder.c_str(), 0700) != 0) return fail_errno(folder, "cannot be created");
    return {};
  }
  if (info.st_uid != ::geteuid())
    return fail(Code::bad_request,
                fmt::format("{} belongs to uid {}, and this is uid {}: hubseald could not read what is made here. "
                            "Give the command as that user, for example: sudo -u hubseal hubseal init ...",
                            folder.string(), info.st_uid, ::geteuid()));
  return {};
}

Result<> fill(int fd, const std::filesystem::path& path, const SecretBytes& pin) {
  if (::write(fd, pin.c_str(), pin.size()) != static_cast<ssize_t>(pin.size()) || ::fsync(fd) != 0)
    return fail_errno(path, "cannot be written");
  return {};
}

}  // namespace

Result<PinFile> ensure_pin_file(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  TRY(ensure_folder(folder));
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd && errno == EEXIST) return PinFile::was_there;
  if (!fd) return fail_errno(path, "cannot be created");
  const SecretBytes pin = TRY(random_pin());
  if (auto filled = fill(fd.get(), path, pin); !filled) {
    ::unlink(path.c_str());  // half a PIN would be taken for one
    return tl::unexpected(filled.error());
  }
  const UniqueFd folder_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_fd || ::fsync(folder_fd.get()) != 0) return fail_errno(folder, "fsync");
  return PinFile::made;
}

}  // namespace hubseal::cli
