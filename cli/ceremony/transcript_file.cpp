#include "cli/ceremony/transcript_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "common/files.h"

namespace hubseal::cli {
namespace {

tl::unexpected<Error> failed(const std::string& path, Code code = Code::bad_request) {
  return fail(code, fmt::format("output file {}: {}", path, std::strerror(errno)));
}

/// A new name is on the disk when its folder is.
Result<> sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const UniqueFd fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return failed(path);
  return {};
}

Result<> lock(const UniqueFd& fd, const std::string& path) {
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return {};
  return fail(Code::conflict, fmt::format("output file {}: another hubseal is writing it", path));
}

}  // namespace

Result<> TranscriptFile::check_free(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) return {};
  return fail(Code::conflict, fmt::format("output file {} is there already and is not overwritten; an unfinished "
                                          "ceremony goes on with --continue {}",
                                          path, path));
}

Result<TranscriptFile> TranscriptFile::create(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    const int problem = errno;
    TRY(check_free(path));
    errno = problem;
    return failed(path);
  }
  TRY(lock(fd, path));
  TRY(sync_folder_of(path));
  return TranscriptFile(path, std::move(fd));
}

Result<TranscriptFile::Continued> TranscriptFile::open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && (errno == EACCES || errno == EPERM))
    return fail(Code::bad_request,
                fmt::format("transcript {}: this user (uid {}) may not write to it; a ceremony goes on "
                            "by the user that began it",
                            path, ::getuid()));
  if (!fd) return fail(Code::bad_request, fmt::format("transcript {}: {}", path, std::strerror(errno)));
  TRY(lock(fd, path));
  std::string text = TRY(read_file(path, kMaxTranscriptBytes, Trust::any));
  const std::size_t whole = text.rfind('\n') + 1;  // npos + 1 is 0
  TranscriptReading reading = read_transcript(std::string_view(text).substr(0, whole));
  if (reading.fault)
    return fail(Code::policy_denied,
                fmt::format("transcript {} line {}: {}", path, reading.fault->line, reading.fault->problem));
  if (whole != text.size() && (::ftruncate(fd.get(), static_cast<off_t>(whole)) != 0 || ::fsync(fd.get()) != 0))
    return failed(path);
  TranscriptFile file(path, std::move(fd));
  file.last_ = reading.transcript.last_line;
  return Continued{std::move(file), std::move(reading.transcript)};
}

Result<> TranscriptFile::append(const Json& line) {
  Json chained = {{"before", last_}};
  chained.update(line);
  const std::string text = dump_json(chained);
  const std::string bytes = text + "\n";
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(fd_.get(), bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path_);
    written += static_cast<std::size_t>(count);
  }
  if (::fsync(fd_.get()) != 0) return failed(path_);
  last_ = line_hash(text);
  return {};
}

}  // namespace hubseal::cli
