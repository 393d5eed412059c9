#pragma once

#include <memory>

#include "hsm/object.h"

namespace hubseal::hsm {

/// A read-write session for what changes the token; closed when it goes.
class WritingSession {
 public:
  static Result<std::unique_ptr<WritingSession>> open(Cryptoki& cryptoki, CK_SLOT_ID slot) {
    CK_SESSION_HANDLE handle = 0;
    TRY(cryptoki.check(cryptoki->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &handle),
                       "C_OpenSession"));
    return std::make_unique<WritingSession>(cryptoki, handle);
  }
  WritingSession(Cryptoki& cryptoki, CK_SESSION_HANDLE handle) : session_{cryptoki, handle} {}
  ~WritingSession() {
    if (!session_.cryptoki.lost()) session_.cryptoki->C_CloseSession(session_.handle);
  }
  WritingSession(const WritingSession&) = delete;  // closes the session
  WritingSession& operator=(const WritingSession&) = delete;
  const Session& operator*() const { return session_; }

 private:
  Session session_;
};

}  // namespace hubseal::hsm
