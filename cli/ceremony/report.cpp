#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/ceremony/ceremony.h"
#include "cli/input_output.h"
#include "cli/table.h"

namespace hubseal::cli {

void Report::step(const std::string& thing, const std::string& outcome) {
  steps_.push_back({{"step", thing}, {"outcome", outcome}});
  if (print_) print(fmt::format("* {}: {}\n", display_text(thing), display_text(outcome)));
}

}  // namespace hubseal::cli
