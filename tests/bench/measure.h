#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <vector>

namespace hubseal::bench {

using Seconds = std::chrono::duration<double>;

/// What a loop achieved.
struct Measurement {
  double per_second = 0;
  double cpu_us = 0;  ///< of whoever signs, for each
  std::vector<double> latencies_us;
};

/// `threads` threads that step until the time is over.
/// Errors: throws what a step threw.
Measurement run_threads(unsigned threads, Seconds time, const std::function<void(unsigned thread)>& step);

/// The load, with the CPU time that all threads of these processes took meanwhile.
Measurement with_cpu_of(const std::vector<pid_t>& processes, const std::function<Measurement()>& load);

/// 0 where there are no values.
double quantile(std::vector<double> values, double q);
double median(const std::vector<double>& values);

/// How many cores this thread may run on.
unsigned cores_allowed();
/// From now on this thread, and every thread and process that it starts, runs on this core only.
void run_on_core(unsigned core);

}  // namespace hubseal::bench
