#include "tests/bench/measure.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace hubseal::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// CPU time of all threads of these processes so far.
double cpu_us(const std::vector<pid_t>& processes) {
  double sum = 0;
  for (const pid_t process : processes) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
      throw std::runtime_error("the process that is measured is gone");
    sum += static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
  }
  return sum;
}

}  // namespace

Measurement run_threads(unsigned threads, Seconds time, const std::function<void(unsigned thread)>& step) {
  std::mutex mutex;
  std::vector<double> latencies;
  std::string problem;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(time);
  const auto loop = [&](unsigned thread) {
    std::vector<double> mine;
    try {
      auto now = Clock::now();
      do {  // once at least: on a busy machine the time may be over before a thread begins
        step(thread);
        const auto after = Clock::now();
        mine.push_back(std::chrono::duration<double, std::micro>(after - now).count());
        now = after;
      } while (now < end);
    } catch (const std::exception& fault) {
      const std::lock_guard lock(mutex);
      problem = fault.what();
    }
    const std::lock_guard lock(mutex);
    latencies.insert(latencies.end(), mine.begin(), mine.end());
  };
  {
    std::vector<std::jthread> running;
    for (unsigned i = 0; i < threads; ++i) running.emplace_back(loop, i);
  }
  if (!problem.empty()) throw std::runtime_error(problem);
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  return {static_cast<double>(latencies.size()) / elapsed, 0, std::move(latencies)};
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

double median(const std::vector<double>& values) { return quantile(values, 0.5); }

unsigned cores_allowed() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT(&cores));
}

void run_on_core(unsigned core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (::sched_setaffinity(0, sizeof cores, &cores) != 0) throw std::runtime_error("no core to run on alone");
}

Measurement with_cpu_of(const std::vector<pid_t>& processes, const std::function<Measurement()>& load) {
  const double before = cpu_us(processes);
  Measurement measurement = load();
  measurement.cpu_us = (cpu_us(processes) - before) / static_cast<double>(measurement.latencies_us.size());
  return measurement;
}

}  // namespace hubseal::bench
