#include "common/log.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "common/clock.h"
#include "common/log_context.h"

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

thread_local const Field* of_this_thread = nullptr;

std::string to_text(const Field& field) {
  const std::string value = printable(field.value, 1024);
  return needs_quotes(value) ? fmt::format(" {}=\"{}\"", field.name, value) : fmt::format(" {}={}", field.name, value);
}

void write(int syslog_level, std::string_view level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line = to_journal() ? fmt::format("<{}>{}", syslog_level, event)
                                  : fmt::format("{} {} {}", format_utc(SystemClock().now()), level, event);
  for (const Field& field : fields) line += to_text(field);
  const Field* context = Context::current();
  if (context &&
      std::none_of(fields.begin(), fields.end(), [&](const Field& one) { return one.name == context->name; }))
    line += to_text(*context);
  line += '\n';
  // One write per line keeps lines of different threads apart; a log that cannot be written
  // must not stop the process, and there is nowhere to report it.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

Context::Context(Field field) : field_(std::move(field)) { of_this_thread = &field_; }

Context::~Context() { of_this_thread = nullptr; }

const Field* Context::current() { return of_this_thread; }

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
