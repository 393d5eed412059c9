#include "tests/bench/schedule.h"

#include <exception>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace hubseal::bench {

bool Schedule::wants(std::string_view what, unsigned connections) const {
  return fmt::format("{} {}", what, connections).find(only) != std::string::npos;
}

int run_benchmark(CLI::App& app, Schedule& schedule, std::string_view row, int argc, char** argv,
                  const std::function<void()>& run) {
  app.add_option("--seconds", schedule.seconds, "length of a round")->capture_default_str();
  app.add_option("--rounds", schedule.rounds, "rounds of each kind, taken in turns")->capture_default_str();
  app.add_option("--only", schedule.only, fmt::format("rows whose name and connections hold this text: \"{}\"", row));
  CLI11_PARSE(app, argc, argv);
  try {
    run();
    return 0;
  } catch (const std::exception& fault) {
    fmt::print(stderr, "{}: {}\n", std::filesystem::path(argv[0]).filename().string(), fault.what());
    return 1;
  }
}

}  // namespace hubseal::bench
