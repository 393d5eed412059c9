#include "hsm/session_pool.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::hsm {

void SessionSlot::forget_handles() {
  for (auto& [id, use] : uses_) use.handle = 0;
}

SessionPool::SessionPool(Cryptoki& cryptoki, CK_SLOT_ID token_slot, unsigned sessions)
    : cryptoki_(cryptoki), token_slot_(token_slot), slots_(sessions) {
  auto queue = lent_.lock();
  for (SessionSlot& slot : slots_) queue->idle.push_back(&slot);
  queue->permits = sessions;
}

SessionPool::~SessionPool() {
  for (SessionSlot& slot : slots_) discard_session(slot);
}

Result<> SessionPool::open_sessions() {
  auto queue = lent_.lock();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Result<> opened = open_session(slots_[i]);
    if (opened) continue;
    if (opened.error().code != Code::hsm_busy || i == 0) return opened;
    log::warning("fewer sessions than configured",
                 {{"wanted", std::to_string(slots_.size())}, {"granted", std::to_string(i)}});
    queue->idle.resize(i);
    queue->permits = static_cast<unsigned>(i);
    break;
  }
  return {};
}

Result<SessionPool::Lease> SessionPool::take(std::chrono::steady_clock::time_point deadline) {
  SessionSlot* slot = TRY(wait_for_slot(deadline));
  Lease lease(*this, *slot);
  if (slot->session == 0) TRY(open_session(*slot));
  return lease;
}

Result<SessionSlot*> SessionPool::wait_for_slot(std::chrono::steady_clock::time_point deadline) {
  const auto over = [] { return fail(Code::hsm_unavailable, "the token was lost"); };
  auto queue = lent_.lock();
  if (queue->closed) return over();
  if (!queue->idle.empty()) {
    // Nobody waits while a slot is idle: give_back hands it to the first in the queue instead.
    SessionSlot* slot = queue->idle.back();
    queue->idle.pop_back();
    slot->age = queue->age;
    return slot;
  }
  Waiter self;
  queue->waiting.push_back(&self);
  queue.unlock();
  auto slot = self.take_until(deadline);
  if (!slot) {
    queue.relock();
    // Whoever took us off the queue has a slot for us, on its way now.
    if (std::erase(queue->waiting, &self) == 0) {
      queue.unlock();
      slot = self.take();
    }
  }
  if (slot && *slot) return *slot;
  if (slot) return over();
  return fail(Code::hsm_busy, fmt::format("none of the token's {} sessions came free in time", queue->permits));
}

void SessionPool::give_back(SessionSlot& slot, bool keep) {
  if (!keep) discard_session(slot);
  auto queue = lent_.lock();
  if (slot.age != queue->age && slot.session != 0) {
    // Not under the lock: a token may hang while it closes, and who waits for the lock has no deadline.
    queue.unlock();
    discard_session(slot);
    queue.relock();
  }
  slot.age = queue->age;
  if (queue->waiting.empty()) {
    queue->idle.push_back(&slot);
    return;
  }
  Waiter* first = queue->waiting.front();
  queue->waiting.pop_front();
  queue.unlock();
  first->put(&slot);
}

void SessionPool::renew() {
  auto queue = lent_.lock();
  ++queue->age;
  // Lent until they are closed: a token that grants so many sessions and no more opens none in their place before.
  const std::vector<SessionSlot*> closing = queue->idle;
  queue->idle.clear();
  queue.unlock();
  for (SessionSlot* slot : closing) give_back(*slot, false);
}

void SessionPool::close() {
  auto queue = lent_.lock();
  queue->closed = true;
  for (Waiter* waiter : queue->waiting) waiter->put(nullptr);
  queue->waiting.clear();
}

Result<> SessionPool::open_session(SessionSlot& slot) {
  CK_SESSION_HANDLE handle = 0;
  TRY(cryptoki_.check(cryptoki_->C_OpenSession(token_slot_, CKF_SERIAL_SESSION, nullptr, nullptr, &handle),
                      "C_OpenSession"));
  slot.session = handle;
  return {};
}

void SessionPool::discard_session(SessionSlot& slot) {
  // Of a lost generation nothing is touched any more; C_Finalize closes what is left.
  if (slot.session != 0 && !cryptoki_.lost()) cryptoki_->C_CloseSession(slot.session);
  slot.session = 0;
  slot.forget_handles();
}

}  // namespace hubseal::hsm
