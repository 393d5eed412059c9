#include "agent/store/write_condition.h"

namespace hubseal::agent::store {
namespace {

thread_local WriteCondition* of_this_thread = nullptr;

}  // namespace

WriteCondition::WriteCondition(std::function<Result<>()> holds) : holds_(std::move(holds)) { of_this_thread = this; }

WriteCondition::~WriteCondition() { of_this_thread = nullptr; }

Result<> WriteCondition::check() {
  if (!of_this_thread || !of_this_thread->pending_) return {};
  of_this_thread->pending_ = false;
  return of_this_thread->holds_();
}

}  // namespace hubseal::agent::store
