/// The one logging style: an event in plain words, then name=value pairs, one line on stderr.
///   log::info("certificate issued", {{"serial", serial}, {"subject", subject}});
/// Labels, serials and request ids only: never a body, never a secret. Values are escaped, so that
/// what a peer sends can never start a line of its own.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace hubseal::log {

struct Field {
  std::string_view name;
  std::string value;
};

void error(std::string_view event, std::initializer_list<Field> fields = {});
void warning(std::string_view event, std::initializer_list<Field> fields = {});
void info(std::string_view event, std::initializer_list<Field> fields = {});

/// Printable form of text that came from outside: quotes, control bytes and non-ASCII escaped,
/// at most `max_bytes` of it.
std::string printable(std::string_view text, std::size_t max_bytes = 256);

}  // namespace hubseal::log
