#include "cli/ceremony/interruption.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace hubseal::cli {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

// A handler may touch nothing but what is ready for it.
std::array<char, 1024> text;
volatile sig_atomic_t length = 0;

void tell(int signal) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), static_cast<std::size_t>(length));
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

InterruptionNote::InterruptionNote(const std::string& note) {
  length = static_cast<sig_atomic_t>(note.copy(text.data(), text.size()));
  struct sigaction action {};
  action.sa_handler = &tell;
  for (const int signal : kSignals) {
    struct sigaction before {};
    // Whoever runs this may have had a signal ignored (nohup).
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      ::sigaction(signal, &action, nullptr);
  }
}

InterruptionNote::~InterruptionNote() {
  for (const int signal : kSignals) {
    struct sigaction before {};
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler == &tell) ::signal(signal, SIG_DFL);
  }
}

}  // namespace hubseal::cli
