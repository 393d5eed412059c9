#pragma once

#include <string_view>
#include <vector>

#include "agent/http/message.h"

namespace hubseal::agent::http {

/// `text`, whose lines but the first begin two columns further to the right.
inline void append_indented(std::string& to, std::string_view text) {
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    to.append(text.substr(0, end)).append("\n  ");
    text.remove_prefix(end + 1);
  }
  to.append(text);
}

/// The array as ok() would write it, but one row at a time: as one JSON value, rows take several times
/// the memory of their text, and clients may ask for many of them.
template <class T, class ToJson>
Answer ok_array(const std::vector<T>& rows, ToJson to_json) {
  Answer answer = ok(Json::array());
  if (rows.empty()) return answer;
  answer.body.assign(1, '[');  // not = "[": there g++ 12 warns of an overflow that is none
  for (const T& row : rows) {
    answer.body += answer.body.size() == 1 ? "\n  " : ",\n  ";
    append_indented(answer.body, ok(to_json(row)).body);
  }
  answer.body += "\n]";
  return answer;
}

}  // namespace hubseal::agent::http
