#pragma once

#include <string>
#include <vector>

#include "cli/ceremony/transcript.h"
#include "common/json.h"

namespace hubseal::test {

/// A transcript of these lines, with the chain that belongs to them.
inline std::string chained(const std::vector<Json>& lines) {
  std::string text, last = cli::no_line();
  for (const Json& line : lines) {
    Json with = {{"before", last}};
    with.update(line);
    const std::string written = dump_json(with);
    last = cli::line_hash(written);
    text += written + "\n";
  }
  return text;
}

}  // namespace hubseal::test
