#include "tests/bench/server_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace hubseal::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};

pid_t start(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid(), pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // also when the benchmark is killed
  if (::getppid() != parent) ::_exit(1);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(nowhere, fd);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

void add_children(pid_t parent, std::vector<pid_t>& all) {
  for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", parent))) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) {
      all.push_back(child);
      add_children(child, all);
    }
  }
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& command, const std::function<UniqueFd()>& connect)
    : pid_(start(command)) {
  for (const auto until = Clock::now() + kPatience; Clock::now() < until;) {
    try {
      connect();
      return;
    } catch (const std::runtime_error&) {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  end();
  throw std::runtime_error(fmt::format("{} does not listen", command.front()));
}

ServerProcess::~ServerProcess() { end(); }

void ServerProcess::end() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::vector<pid_t> ServerProcess::family() const {
  std::vector<pid_t> all{pid_};
  add_children(pid_, all);
  return all;
}

bool is_installed(const std::string& program) {
  if (program.find('/') != std::string::npos) return std::filesystem::exists(program);
  std::istringstream folders(std::getenv("PATH") ? std::getenv("PATH") : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((std::filesystem::path(folder) / program).c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace hubseal::bench
