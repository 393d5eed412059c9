#include "cli/ceremony/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace hubseal::cli {
namespace {

constexpr std::chrono::seconds kGrace{30};  // longer than the daemon's own drain

std::atomic<pid_t> running_child{-1};

// Only calls that are safe in a signal handler. The default action then ends this process with the
// status that the shell expects.
void pass_on(int signal) {
  if (const pid_t pid = running_child; pid > 0) ::kill(pid, SIGTERM);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void forward_signals_to(pid_t pid) {
  running_child = pid;
  struct sigaction action {};
  action.sa_handler = &pass_on;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

void stop_forwarding() {
  running_child = -1;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, SIG_DFL);
}

/// posix_spawn's file actions: nothing to read, output and errors to these two.
class Redirection {
 public:
  Redirection(int output, int errors) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
  }
  Redirection(const Redirection&) = delete;
  Redirection& operator=(const Redirection&) = delete;
  ~Redirection() { ::posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

/// What was written to a memfd, from its end.
std::string tail_of(int file, std::size_t max_bytes) {
  struct stat info {};
  if (::fstat(file, &info) != 0) return {};
  const auto size = static_cast<std::size_t>(info.st_size);
  std::string text(std::min(size, max_bytes), '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), static_cast<off_t>(size - text.size()));
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  UniqueFd output(::memfd_create("output", MFD_CLOEXEC)), errors(::memfd_create("errors", MFD_CLOEXEC));
  if (!output || !errors) return fail(Code::internal, fmt::format("memfd_create: {}", std::strerror(errno)));

  pid_t pid = -1;
  const Redirection redirection(output.get(), errors.get());
  if (const int problem = ::posix_spawn(&pid, argv[0], redirection.get(), nullptr, argv.data(), environ); problem != 0)
    return fail(problem == ENOENT || problem == EACCES ? Code::not_found : Code::internal,
                fmt::format("{} cannot be started: {}", arguments[0], std::strerror(problem)));
  forward_signals_to(pid);
  // By number: the header of glibc 2.36 forgets to say that the function is C.
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  Child child(pid, std::move(process), std::move(output), std::move(errors));
  if (!child.process_) return fail(Code::internal, fmt::format("pidfd_open: {}", std::strerror(errno)));
  return child;
}

Child::Child(pid_t pid, UniqueFd process, UniqueFd output, UniqueFd errors)
    : pid_(pid), process_(std::move(process)), output_(std::move(output)), errors_(std::move(errors)) {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      process_(std::move(other.process_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)),
      status_(other.status_) {}

Child::~Child() {
  if (pid_ > 0) stop();
}

std::optional<int> Child::wait(std::chrono::milliseconds limit) {
  if (status_) return status_;
  pollfd ended{process_.get(), POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  stop_forwarding();
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

int Child::stop() {
  if (status_) return *status_;
  ::kill(pid_, SIGTERM);
  if (const auto status = wait(kGrace)) return *status;
  ::kill(pid_, SIGKILL);
  return wait(kGrace).value_or(128 + SIGKILL);
}

std::string Child::output(std::size_t max_bytes) const { return tail_of(output_.get(), max_bytes); }

std::string Child::errors(std::size_t max_bytes) const { return tail_of(errors_.get(), max_bytes); }

}  // namespace hubseal::cli
