/// The one place that knows Poco::Data: sessions, transactions, exceptions to errors. Included by
/// the .cpp files of store/ and by nothing else.
#pragma once

#include <exception>
#include <string>
#include <type_traits>
#include <vector>

#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::agent::store {

using Poco::Data::Session;

/// Lends database sessions.
/// Owns: one session that writes, so that writers queue here instead of fighting for SQLite's lock,
/// and as many that read as were ever used at the same time.
/// Threads: share it freely.
/// Errors: storage_unavailable for whatever the database refuses; its own words go to the log only.
class Sessions {
 public:
  explicit Sessions(std::string path);  ///< opens the file; throws Poco::Exception

  /// Runs `work(session)` outside any transaction: one statement, one consistent answer.
  template <class Work>
  std::invoke_result_t<Work, Session&> read(Work work) {
    try {
      Session session = borrow();
      auto result = work(session);
      give_back(std::move(session));  // not after an exception: such a session is dropped
      return result;
    } catch (const std::exception& problem) {
      return refuse(problem);
    }
  }

  /// Runs `work(session)` in a transaction: an error or an exception leaves nothing behind.
  template <class Work>
  std::invoke_result_t<Work, Session&> write(Work work) {
    auto writer = writer_.lock();
    try {
      begin(*writer);
      auto result = work(*writer);
      if (!result) {
        roll_back(*writer);
        return result;
      }
      commit(*writer);
      return result;
    } catch (const std::exception& problem) {
      roll_back(*writer);
      return refuse(problem);
    }
  }

 private:
  Session open() const;
  Session borrow();
  void give_back(Session session);
  static void begin(Session& session);
  static void commit(Session& session);
  static void roll_back(Session& session) noexcept;
  static tl::unexpected<Error> refuse(const std::exception& problem);

  const std::string path_;
  Guarded<Session> writer_;
  Guarded<std::vector<Session>> readers_;
};

}  // namespace hubseal::agent::store
