#include "pkcs11/library.h"

#include <pthread.h>

namespace hubseal::pkcs11 {
namespace {

constexpr std::size_t kMostObjects = 4 * 3 * kMostKeys;  // of keys that came and went as well

}  // namespace

Library& Library::instance() {
  static Library* const library = new Library;
  return *library;
}

/// The lock is taken over a fork: a child must not find it held by a thread that it has not.
Library::Library() {
  ::pthread_atfork(
      &before_fork, [] { after_fork(false); }, [] { after_fork(true); });
}

void Library::before_fork() { instance().held_.emplace(instance().state_.lock()); }

void Library::after_fork(bool in_child) {
  if (in_child) (*instance().held_)->inherited = true;
  instance().held_.reset();
}

CK_RV Library::initialize() {
  auto state = state_.lock();
  if (state->initialized && !state->inherited) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
  state->sessions.clear();
  state->initialized = true;
  state->inherited = false;
  return CKR_OK;
}

CK_RV Library::finalize() {
  auto state = state_.lock();
  if (!state->initialized) return CKR_CRYPTOKI_NOT_INITIALIZED;
  *state = State{.last_session = state->last_session, .last_object = state->last_object};
  return CKR_OK;
}

bool Library::is_initialized() { return state_.lock()->initialized; }

CK_RV Library::open_session(CK_SESSION_HANDLE& handle) {
  auto state = state_.lock();
  if (state->sessions.size() >= kMostSessions) return CKR_SESSION_COUNT;
  handle = ++state->last_session;
  state->sessions.emplace(handle, Session());
  return CKR_OK;
}

CK_RV Library::close_session(CK_SESSION_HANDLE handle) {
  return state_.lock()->sessions.erase(handle) == 0 ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

void Library::close_all_sessions() { state_.lock()->sessions.clear(); }

CK_ULONG Library::open_sessions() { return state_.lock()->sessions.size(); }

Result<std::vector<CK_OBJECT_HANDLE>> Library::search(std::span<const CK_ATTRIBUTE> wanted) {
  const std::vector<HubKey> keys = TRY(list_keys());
  std::vector<CK_OBJECT_HANDLE> found;
  auto state = state_.lock();
  for (const HubKey& key : keys)
    for (Object& object : Object::of(key)) {
      const auto [entry, is_new] = state->handles.try_emplace(object.identity(), state->last_object + 1);
      if (is_new && state->handles.size() > kMostObjects) {
        state->handles.erase(entry);
        return fail(Code::too_large, "this process has seen too many keys");
      }
      if (is_new) ++state->last_object;
      const CK_OBJECT_HANDLE handle = entry->second;
      if (object.matches(wanted)) found.push_back(handle);
      state->objects[handle] = std::make_shared<const Object>(std::move(object));
    }
  return found;
}

ObjectPtr Library::object(CK_OBJECT_HANDLE handle) {
  auto state = state_.lock();
  const auto found = state->objects.find(handle);
  return found == state->objects.end() ? nullptr : found->second;
}

}  // namespace hubseal::pkcs11
