#include "cli/input_output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "common/bytes.h"
#include "common/files.h"

namespace hubseal::cli {
namespace {

Result<std::string> read_stdin(std::size_t max_bytes) {
  std::string content;
  char chunk[16 * 1024];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Code::bad_request, fmt::format("standard input: {}", std::strerror(errno)));
    if (got == 0) return content;
    content.append(chunk, static_cast<std::size_t>(got));
    if (content.size() > max_bytes)
      return fail(Code::too_large, fmt::format("standard input has over {} bytes", max_bytes));
  }
}

void put(std::FILE* stream, std::string_view text) { std::fwrite(text.data(), 1, text.size(), stream); }

}  // namespace

Result<std::string> read_input(const std::string& name, std::size_t max_bytes) {
  if (name == "-") return read_stdin(max_bytes);
  return read_file(name, max_bytes, Trust::any);
}

Result<> write_output(const std::string& name, std::string_view text, bool force) {
  std::error_code ignored;
  if (!force && std::filesystem::exists(std::filesystem::symlink_status(name, ignored))) {
    const auto present = read_file(name, text.size(), Trust::any);
    if (present && *present == text) return {};
    return fail(Code::conflict, fmt::format("{} exists and holds something else; --force replaces it", name));
  }
  return write_file(name, as_bytes(text), 0644);
}

void print(std::string_view text) { put(stdout, text); }

void print_note(std::string_view text) {
  std::fflush(stdout);  // in the order in which it was said
  put(stderr, text);
}

void print_progress(std::string_view text) {
  if (::isatty(STDERR_FILENO)) print_note(text);
}

Result<> flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return fail(Code::internal, fmt::format("standard output: {}", std::strerror(errno)));
  return {};
}

}  // namespace hubseal::cli
