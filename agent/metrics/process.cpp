#include "agent/metrics/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/metrics/exposition.h"

namespace hubseal::agent::metrics {
namespace {

/// Of the process, near enough: static objects are made before main().
const double kStarted = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void write_processor(Exposition& page) {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return;
  const double user = seconds(usage.ru_utime);
  const double system = seconds(usage.ru_stime);
  page.single("mcm_api_process_cpu_user_seconds_total", Kind::counter, "Processor time of the program itself.", user);
  page.single("mcm_api_process_cpu_system_seconds_total", Kind::counter, "Processor time of the system for it.",
              system);
  page.single("mcm_api_process_cpu_seconds_total", Kind::counter, "Processor time of both.", user + system);
}

void write_memory(Exposition& page) {
  double virtual_pages = 0;
  double resident_pages = 0;
  if (!(std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages)) return;
  const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
  page.single("mcm_api_process_resident_memory_bytes", Kind::gauge, "Memory in use.", resident_pages * page_bytes);
  page.single("mcm_api_process_virtual_memory_bytes", Kind::gauge, "Memory, used or not.", virtual_pages * page_bytes);
}

void write_descriptors(Exposition& page) {
  std::error_code problem;
  const std::filesystem::directory_iterator open("/proc/self/fd", problem);
  rlimit limit{};
  if (problem || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto count = static_cast<double>(std::distance(begin(open), end(open)));
  page.single("mcm_api_process_open_fds", Kind::gauge, "Open descriptors.", count);
  page.single("mcm_api_process_max_fds", Kind::gauge, "How many may be open.", static_cast<double>(limit.rlim_cur));
}

}  // namespace

void write_process(Exposition& page) {
  page.single("mcm_api_process_start_time_seconds", Kind::gauge, "When it began, since 1970.", kStarted);
  write_processor(page);
  write_memory(page);
  write_descriptors(page);
}

}  // namespace hubseal::agent::metrics
