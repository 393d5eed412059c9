/// JSON of answers that is written as text, byte for byte as ok() writes it. What the database keeps as JSON is laid
/// out and copied, neither parsed nor built anew: of an answer with enrolments that was nearly all of the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/message.h"

namespace hubseal::agent::http {

/// Appends `json`, which is as dump_json() writes it, with its lines but the first `depth` levels further to the right.
/// Throws std::runtime_error where it breaks off, or is more than one value and could bring members of its own along:
/// somebody has changed the database.
void append_laid_out(std::string& to, std::string_view json, std::size_t depth);

/// One object, whose members are written in the order of the calls. Names are the program's own: nothing in them needs
/// to be escaped.
class ObjectText {
 public:
  ObjectText(std::string& to, std::size_t depth) : to_(to), depth_(depth) {}

  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::int64_t value);
  /// As dump_json() writes it.
  void json(std::string_view name, std::string_view value);
  /// What is absent is left out.
  void optional_text(std::string_view name, const std::optional<std::string>& value);
  void optional_json(std::string_view name, const std::optional<std::string>& value);
  /// After the last member.
  void end();

 private:
  void begin_member(std::string_view name);

  std::string& to_;
  const std::size_t depth_;
  bool empty_ = true;
};

/// The object that `write(ObjectText&, row)` writes.
template <class T, class Write>
Answer ok_object(const T& row, Write write) {
  Answer answer;
  ObjectText item(answer.body, 0);
  write(item, row);
  item.end();
  return answer;
}

/// The array of what `append(text, row)` appends, each one level deep.
template <class T, class Append>
Answer ok_items(const std::vector<T>& rows, Append append) {
  Answer answer;
  for (const T& row : rows) {
    answer.body += answer.body.empty() ? "[\n  " : ",\n  ";
    append(answer.body, row);
  }
  answer.body += rows.empty() ? "[]" : "\n]";
  return answer;
}

/// The array of what `write(ObjectText&, row)` writes.
template <class T, class Write>
Answer ok_array(const std::vector<T>& rows, Write write) {
  return ok_items(rows, [&](std::string& to, const T& row) {
    ObjectText item(to, 1);
    write(item, row);
    item.end();
  });
}

/// The array of what `to_json(row)` gives, one row at a time: as one JSON value, rows take several times the memory of
/// their text, and clients may ask for many of them.
template <class T, class ToJson>
Answer ok_json_array(const std::vector<T>& rows, ToJson to_json) {
  return ok_items(rows, [&](std::string& to, const T& row) { append_laid_out(to, dump_json(to_json(row)), 1); });
}

}  // namespace hubseal::agent::http
