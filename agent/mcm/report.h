#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/json.h"

namespace hubseal::agent::mcm {

/// What an import did with each thing it found. Never holds a key or a secret.
struct Report {
  struct Line {
    std::string where;  ///< "dfsp_endpoint_items row 12", "dfsp-ca/7"
    std::string what;   ///< the reason, or what was changed
  };

  std::map<std::string, std::size_t> stored;  ///< how many of each kind
  std::vector<Line> left_out;
  std::vector<Line> changed;       ///< stored, otherwise than it was
  std::vector<Line> private_keys;  ///< and secrets: none is stored; `what` is the kind

  void leave_out(std::string where, std::string why) { left_out.push_back({std::move(where), std::move(why)}); }
  void change(std::string where, std::string what) { changed.push_back({std::move(where), std::move(what)}); }
};

Json to_json(const Report& report);
/// For people: a line for each.
std::string to_text(const Report& report);

}  // namespace hubseal::agent::mcm
