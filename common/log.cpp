#include "common/log.h"

#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "common/clock.h"

namespace hubseal::log {
namespace {

// systemd sets JOURNAL_STREAM when stderr is the journal, which keeps time and level itself.
bool to_journal() {
  static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  return journal;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" =\"\\") != std::string_view::npos;
}

void write(int syslog_level, std::string_view level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line = to_journal() ? fmt::format("<{}>{}", syslog_level, event)
                                  : fmt::format("{} {} {}", format_utc(SystemClock().now()), level, event);
  for (const Field& field : fields) {
    const std::string value = printable(field.value, 1024);
    line +=
        needs_quotes(value) ? fmt::format(" {}=\"{}\"", field.name, value) : fmt::format(" {}={}", field.name, value);
  }
  line += '\n';
  // One write per line keeps lines of different threads apart; a log that cannot be written
  // must not stop the process, and there is nowhere to report it.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string result;
  for (const char c : text.substr(0, max_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte > 0x7e) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  if (text.size() > max_bytes) result += "...";
  return result;
}

void error(std::string_view event, std::initializer_list<Field> fields) { write(3, "error", event, fields); }
void warning(std::string_view event, std::initializer_list<Field> fields) { write(4, "warning", event, fields); }
void info(std::string_view event, std::initializer_list<Field> fields) { write(6, "info", event, fields); }

}  // namespace hubseal::log
