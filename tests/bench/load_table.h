#pragma once

#include <functional>
#include <string_view>

#include "tests/bench/measure.h"

namespace hubseal::bench {

/// A table of loads: a second, p50, p99 and CPU of each, as medians of its rounds.
void print_load_header(std::string_view what);
void print_load(std::string_view what, unsigned rounds, const std::function<Measurement()>& load);

}  // namespace hubseal::bench
