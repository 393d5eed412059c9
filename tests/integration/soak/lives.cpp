#include "tests/integration/soak/lives.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hubseal::test {
namespace {

std::vector<Ask> life_of_key(unsigned number) {
  const std::string label = fmt::format("life-{}", number);
  const auto step = [&](const char* op) { return ask(op, {{"key", label}}); };
  return {ask("create_key", {{"label", label},
                             {"type", "ec_p256"},
                             {"use", "jws"},
                             {"state", "pre_activation"},
                             {"backup_required", true}}),
          ask("confirm_backup", {{"key", label}, {"evidence", "card 7, safe B"}}),
          step("activate_key"),
          step("suspend_key"),
          step("activate_key"),
          step("deactivate_key"),
          step("destroy_key")};
}

std::vector<Ask> life_of_ca(unsigned number) {
  const std::string name = fmt::format("life-ca-{}", number);
  // A root leaves room below it for CAs of its own name only.
  const Json subject = {{"common_name", "soak-ca"}, {"organization", "Test Hub"}, {"country", "KE"}};
  return {ask("create_key", {{"label", name}, {"type", "ec_p256"}, {"use", "ca"}}),
          ask("create_ca", {{"ca", name}, {"key", name}, {"profile", "test-root"}, {"subject", subject}}),
          ask("cross_certify", {{"ca", name}, {"by", "soak-ca"}}),
          ask("retire_ca", {{"ca", name}, {"successor", "soak-ca"}})};
}

}  // namespace

std::optional<Ask> Lives::next() {
  auto state = state_.lock();
  if (state->on_its_way) return std::nullopt;
  if (state->steps.empty()) {
    if (state->life == kMost) return std::nullopt;
    const unsigned number = ++state->life;
    state->steps = number % 5 == 1 ? life_of_ca(number) : life_of_key(number);
    std::reverse(state->steps.begin(), state->steps.end());
  }
  Ask step = std::move(state->steps.back());
  state->steps.pop_back();
  state->on_its_way = true;
  step.then = [this](const Json&) { state_.lock()->on_its_way = false; };
  return step;
}

}  // namespace hubseal::test
