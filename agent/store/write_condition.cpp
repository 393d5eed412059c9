#include "agent/store/write_condition.h"

#include <stdexcept>

namespace hubseal::agent::store {
namespace {

thread_local WriteCondition* of_this_thread = nullptr;

}  // namespace

WriteCondition::WriteCondition(std::function<Result<>()> holds) : holds_(std::move(holds)) { of_this_thread = this; }

WriteCondition::~WriteCondition() { of_this_thread = nullptr; }

Result<> WriteCondition::check() {
  if (!of_this_thread || !of_this_thread->pending_) return {};
  of_this_thread->pending_ = false;
  of_this_thread->looking_ = true;
  auto held = of_this_thread->holds_();
  of_this_thread->looking_ = false;
  return held;
}

void WriteCondition::refuse_inside() {
  if (of_this_thread && of_this_thread->looking_) throw std::logic_error("what is looked at before a write writes");
}

}  // namespace hubseal::agent::store
