#include "tests/bench/load_table.h"

#include <cstdio>
#include <vector>

#include <fmt/format.h>

namespace hubseal::bench {

void print_load_header(std::string_view what) {
  fmt::print("{:<38}{:>10}{:>10}{:>10}{:>10}\n", what, "a second", "p50 us", "p99 us", "CPU us");
}

void print_load(std::string_view what, unsigned rounds, const std::function<Measurement()>& load) {
  std::vector<double> rate, p50, p99, cpu;
  for (unsigned round = 0; round < rounds; ++round) {
    const Measurement found = load();
    rate.push_back(found.per_second);
    p50.push_back(median(found.latencies_us));
    p99.push_back(quantile(found.latencies_us, 0.99));
    cpu.push_back(found.cpu_us);
  }
  fmt::print("{:<38}{:>10.0f}{:>10.0f}{:>10.0f}{:>10.0f}\n", what, median(rate), median(p50), median(p99), median(cpu));
  std::fflush(stdout);
}

}  // namespace hubseal::bench
