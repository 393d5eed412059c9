#pragma once

#include <string>

#include "cli/ceremony/transcript.h"
#include "common/unique_fd.h"

namespace hubseal::cli {

/// A transcript that is being written: mode 0600, each line on the disk before the next thing is done.
/// Owns: the file, locked against a second ceremony that continues it.
/// Errors: bad_request and conflict, "output file ...".
class TranscriptFile {
 public:
  /// Errors: conflict when there is a file.
  static Result<> check_free(const std::string& path);
  /// A file that is not there yet. Errors: conflict when it is.
  static Result<TranscriptFile> create(const std::string& path);
  struct Continued;
  /// One that is there, with what it says. The half of a line that a crash left at its end is cut off.
  /// Errors: policy_denied where it is no transcript.
  static Result<Continued> open(const std::string& path);

  /// Adds the hash of the line before.
  Result<> append(const Json& line);
  const std::string& path() const { return path_; }

 private:
  TranscriptFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)), last_(no_line()) {}

  std::string path_;
  UniqueFd fd_;
  std::string last_;
};

struct TranscriptFile::Continued {
  TranscriptFile file;
  Transcript transcript;
};

}  // namespace hubseal::cli
