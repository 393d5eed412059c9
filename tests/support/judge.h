/// Runs another implementation (openssl, python3) to judge ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hubseal::test {

struct Verdict {
  int exit_code = -1;
  std::string output;  ///< standard output and error together
};
/// `argv[0]` is looked up in PATH; the program reads nothing from us. Stopped after a minute.
Verdict run(const std::vector<std::string>& argv);

/// A file in a folder of its own, both gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string folder_, path_;
};

}  // namespace hubseal::test
