#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/guarded.h"
#include "pkcs11/objects.h"
#include "pkcs11/signing.h"

namespace hubseal::pkcs11 {

using ObjectPtr = std::shared_ptr<const Object>;

struct Session {
  std::optional<std::vector<CK_OBJECT_HANDLE>> found;  ///< of a search, and not yet handed out
  std::optional<Signing> signing;
  ObjectPtr key;  ///< with which it signs
};

/// What this process has opened and seen. It is plain memory, without a descriptor: a child that was forked goes on
/// with a copy of its own, and need not begin anew, but may (PKCS#11 wants it to). Threads: any; the lock is never held
/// while hubseald is asked.
class Library {
 public:
  /// There is one for as long as the module is loaded, and it is never destroyed: who loaded it may still be in a call
  /// while the process ends.
  static Library& instance();

  static constexpr CK_ULONG kMostSessions = 1024;

  CK_RV initialize();
  CK_RV finalize();
  bool is_initialized();

  CK_RV open_session(CK_SESSION_HANDLE& handle);
  CK_RV close_session(CK_SESSION_HANDLE handle);
  void close_all_sessions();
  CK_ULONG open_sessions();

  /// `work` on the session, under the lock. Errors: CKR_SESSION_HANDLE_INVALID, and those of `work`.
  template <class Work>
  CK_RV with_session(CK_SESSION_HANDLE handle, Work work) {
    auto state = state_.lock();
    const auto found = state->sessions.find(handle);
    return found == state->sessions.end() ? CKR_SESSION_HANDLE_INVALID : work(found->second);
  }

  /// The objects that hubseald shows now and that are as wanted.
  Result<std::vector<CK_OBJECT_HANDLE>> search(std::span<const CK_ATTRIBUTE> wanted);
  /// Null for a handle that was never given out. One whose key is no longer shown stays: whether it signs, hubseald
  /// says.
  ObjectPtr object(CK_OBJECT_HANDLE handle);

 private:
  struct State {
    bool initialized = false;
    bool inherited = false;              ///< from the process that forked this one
    CK_SESSION_HANDLE last_session = 0;  // no handle is given twice, also not after an end
    CK_OBJECT_HANDLE last_object = 0;
    std::map<CK_SESSION_HANDLE, Session> sessions;
    std::map<Bytes, CK_OBJECT_HANDLE> handles;  // by Object::identity
    std::map<CK_OBJECT_HANDLE, ObjectPtr> objects;
  };

  Library();
  static void before_fork();
  static void after_fork(bool in_child);

  Guarded<State> state_;
  std::optional<Guarded<State>::Handle> held_;  ///< while this process forks
};

}  // namespace hubseal::pkcs11
