#include "tests/support/judge.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "common/unique_fd.h"

extern char** environ;

namespace hubseal::test {

Verdict run(const std::vector<std::string>& argv) {
  std::vector<std::string> words = {"timeout", "60"};
  words.insert(words.end(), argv.begin(), argv.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), 2);
  pid_t child = 0;
  const int problem = ::posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) throw std::runtime_error("cannot run " + argv.front());
  write_end = UniqueFd();

  Verdict verdict;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(read_end.get(), buffer, sizeof buffer)) > 0;)
    verdict.output.append(buffer, static_cast<std::size_t>(size));
  int status = 0;
  ::waitpid(child, &status, 0);
  verdict.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return verdict;
}

TemporaryFile::TemporaryFile(std::string_view content) : folder_("/tmp/hubseal-test-XXXXXX") {
  if (!::mkdtemp(folder_.data())) throw std::runtime_error("no temporary folder");
  path_ = folder_ + "/file";
  std::ofstream(path_, std::ios::binary) << content;
}

TemporaryFile::~TemporaryFile() {
  ::unlink(path_.c_str());
  ::rmdir(folder_.c_str());
}

}  // namespace hubseal::test
