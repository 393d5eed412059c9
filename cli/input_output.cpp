#include "cli/input_output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

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

bool begins_with(const std::filesystem::path& path, std::string_view start) {
  std::string present(start.size(), '\0');
  std::ifstream stream(path, std::ios::binary);
  return !start.empty() && stream.read(present.data(), static_cast<std::streamsize>(present.size())) &&
         present == start;
}

void put(std::FILE* stream, std::string_view text) { std::fwrite(text.data(), 1, text.size(), stream); }

}  // namespace

Result<std::string> read_input(const std::string& name, std::size_t max_bytes) {
  if (name == "-") return read_stdin(max_bytes);
  auto content = read_file(name, max_bytes, Trust::any);
  // The daemon has not been asked: what is missing is not its not_found, but a wrong command line.
  if (!content && content.error().code != Code::too_large)
    return fail(Code::bad_request, "input file " + content.error().message);
  return content;
}

Result<> check_output(const std::string& name, bool force, std::string_view repeatable) {
  if (name.empty()) return {};
  std::error_code unknown;
  const std::filesystem::path path(name);
  const auto type = std::filesystem::symlink_status(path, unknown).type();
  if (type == std::filesystem::file_type::regular || type == std::filesystem::file_type::symlink) {
    if (!force && !begins_with(path, repeatable))
      return fail(Code::conflict, fmt::format("output file {} is there already; --force replaces it", name));
  } else if (type != std::filesystem::file_type::not_found) {
    return fail(Code::bad_request,
                fmt::format("output file {}: {}", name,
                            type == std::filesystem::file_type::none ? unknown.message() : "is not a regular file"));
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  // The file is made beside its place and renamed: the folder must be writable, whatever the file is.
  if (!std::filesystem::is_directory(folder, unknown) || ::access(folder.c_str(), W_OK | X_OK) != 0)
    return fail(Code::bad_request,
                fmt::format("output file {}: its folder {}", name,
                            !std::filesystem::is_directory(folder, unknown) ? std::string("does not exist")
                                                                            : std::string("cannot be written to")));
  return {};
}

Result<> write_output(const std::string& name, std::string_view text, bool force) {
  std::error_code ignored;
  if (!force && std::filesystem::exists(std::filesystem::symlink_status(name, ignored))) {
    const auto present = read_file(name, text.size(), Trust::any);
    if (present && *present == text) return {};
    return fail(Code::conflict,
                fmt::format("output file {} exists and holds something else; --force replaces it", name));
  }
  if (const auto written = write_file(name, as_bytes(text), 0644); !written)
    return fail(Code::bad_request, "output file " + written.error().message);
  return {};
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
