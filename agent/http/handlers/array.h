#pragma once

#include <string_view>
#include <vector>

#include "agent/http/message.h"

namespace hubseal::agent::http {

/// The array as ok() would write it, but one row at a time: as one JSON value, rows take several times
/// the memory of their text, and clients may ask for many of them.
template <class T, class ToJson>
Answer ok_array(const std::vector<T>& rows, ToJson to_json) {
  Answer answer = ok(Json::array());
  if (rows.empty()) return answer;
  answer.body.assign(1, '[');  // not = "[": there g++ 12 warns of an overflow that is none
  for (const T& row : rows) {
    answer.body += answer.body.size() == 1 ? "\n  " : ",\n  ";
    for (const char c : ok(to_json(row)).body) answer.body.append(c == '\n' ? "\n  " : std::string_view(&c, 1));
  }
  answer.body += "\n]";
  return answer;
}

}  // namespace hubseal::agent::http
