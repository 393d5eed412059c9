#include "tests/bench/contest.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace hubseal::bench {
namespace {

constexpr std::size_t kBase = 0, kOurs = 1;

template <class Value>
double median_of(std::size_t rounds, const Value& value) {
  std::vector<double> values;
  for (std::size_t round = 0; round < rounds; ++round) values.push_back(value(round));
  return median(values);
}

}  // namespace

void Contest::add(std::string name, std::function<Measurement()> run) {
  contenders_.push_back({std::move(name), std::move(run), {}, {}});
}

void Contest::add_absent(std::string name, std::string why) {
  contenders_.push_back({std::move(name), {}, {}, std::move(why)});
}

void Contest::run(unsigned rounds) {
  for (unsigned round = 0; round < rounds; ++round)
    for (std::size_t at = 0; at < contenders_.size(); ++at) {
      Contender& contender = contenders_[at];
      if (!contender.absent.empty()) continue;
      try {
        contender.rounds.push_back(contender.run());
      } catch (const std::runtime_error& problem) {
        if (at <= kOurs) throw;
        contender.absent = fmt::format("failed: {}", problem.what());
      }
    }
}

void Contest::print_header() {
  fmt::print("{:<22}{:>5}  {:<28}{:>8}{:>8}{:>9}{:>9}{:>9}{:>8}  {}\n", "what", "conn", "who", "a second", "of raw",
             "p50 us", "p99 us", "CPU us", "of raw", "hubseald beside it: CPU, throughput");
}

void Contest::print(const std::string& what, unsigned connections) const {
  const auto& base = contenders_[kBase].rounds;
  const auto& ours = contenders_[kOurs].rounds;
  for (const Contender& contender : contenders_) {
    fmt::print("{:<22}{:>5}  {:<28}", what, connections, contender.name);
    if (!contender.absent.empty()) {
      fmt::print("{}\n", contender.absent);
      continue;
    }
    const auto& rounds = contender.rounds;
    const auto of_all = [&](const auto& value) { return median_of(rounds.size(), value); };
    fmt::print("{:>8.0f}{:>8.2f}{:>9.0f}{:>9.0f}{:>9.0f}{:>8.2f}", of_all([&](auto n) { return rounds[n].per_second; }),
               of_all([&](auto n) { return rounds[n].per_second / base[n].per_second; }),
               of_all([&](auto n) { return median(rounds[n].latencies_us); }),
               of_all([&](auto n) { return quantile(rounds[n].latencies_us, 0.99); }),
               of_all([&](auto n) { return rounds[n].cpu_us; }),
               of_all([&](auto n) { return rounds[n].cpu_us / base[n].cpu_us; }));
    if (&contender > &contenders_[kOurs])
      fmt::print("  {:.2f}, {:.2f}", of_all([&](auto n) { return ours[n].cpu_us / rounds[n].cpu_us; }),
                 of_all([&](auto n) { return ours[n].per_second / rounds[n].per_second; }));
    fmt::print("\n");
  }
  std::fflush(stdout);
}

bool Contest::failed() const {
  return std::any_of(contenders_.begin(), contenders_.end(),
                     [](const Contender& contender) { return contender.run && !contender.absent.empty(); });
}

}  // namespace hubseal::bench
