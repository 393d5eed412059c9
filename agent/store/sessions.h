/// The one place that knows Poco::Data: sessions, transactions, exceptions to errors. Included by
/// the .cpp files of store/ and by nothing else.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>

#include "agent/store/backend.h"
#include "agent/store/database.h"
#include "agent/store/write_condition.h"
#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::agent::store {

using Poco::Data::Session;

/// Lends database sessions.
/// Owns: one session that writes, so that writers queue here instead of fighting for the database's lock,
/// and at most kMaxReaders that read; who finds all of them lent waits for one.
/// Threads: share it freely.
/// Errors: storage_unavailable for whatever the database refuses; its own words go to the log only.
class Sessions {
 public:
  static constexpr std::size_t kMaxReaders = 16;

  explicit Sessions(std::unique_ptr<const Backend> backend);  ///< connects; throws Poco::Exception

  /// Runs `work(session)` outside any transaction: one statement, one consistent answer. Once more where the
  /// connection turns out to be lost.
  template <class Work>
  std::invoke_result_t<Work, Session&> read(Work work) {
    try {
      Loan loan(*this);
      const auto ask = [&] {
        auto result = work(loan.session());
        loan.keep();
        return result;
      };
      try {
        return ask();
      } catch (const std::exception&) {
        if (!loan.is_lost()) throw;
        loan.connect_anew();
        return ask();
      }
    } catch (const std::exception& problem) {
      return refuse(problem);
    }
  }

  enum class End { keep, undo };

  /// Runs `work(session)` in a transaction: an error or an exception leaves nothing behind, and End::undo neither.
  /// Nothing is run where this thread's WriteCondition does not hold.
  template <class Work>
  std::invoke_result_t<Work, Session&> write(Work work, End end = End::keep) {
    WriteCondition::refuse_inside();
    auto writer = writer_.lock();
    try {
      begin(*writer);
      if (const auto held = WriteCondition::check(); !held) {
        roll_back(*writer);
        return tl::unexpected(held.error());
      }
      auto result = work(*writer);
      if (!result || end == End::undo) {
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

  Refusals refusals() const { return {refused_connections_, refused_others_}; }

 private:
  /// A session that reads, lent for one piece of work.
  class Loan {
   public:
    explicit Loan(Sessions& sessions);
    ~Loan();
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    Session& session() { return *session_; }
    bool is_lost() { return !Sessions::answers(*session_); }
    /// The server is there again, or another: the other idle sessions are lost as well.
    void connect_anew();
    /// It has worked and may be lent again; one that has thrown may not.
    void keep() { kept_ = true; }

   private:
    Sessions& sessions_;
    std::optional<Session> session_;
    bool kept_ = false;
  };

  struct Readers {
    std::vector<Session> idle;
    std::size_t lent = 0;
  };

  /// Asked, not looked up: the library believes in connections that the server has dropped.
  static bool answers(Session& session) noexcept;
  void begin(Session& session);
  static void commit(Session& session);
  static void roll_back(Session& session) noexcept;
  tl::unexpected<Error> refuse(const std::exception& problem);

  const std::unique_ptr<const Backend> backend_;
  Guarded<Session> writer_;
  Guarded<Readers> readers_;
  std::condition_variable reader_is_back_;
  std::atomic<std::uint64_t> refused_connections_ = 0;
  std::atomic<std::uint64_t> refused_others_ = 0;
};

/// Connected; for SQLite the file is made for this user alone where there is none.
/// Errors: storage_unavailable; conflict: it was to be used alone and is in use.
Result<std::unique_ptr<Sessions>> connect(const Location& location, Use use);
/// What is to be filled, by itself alone; to `rehearse` that makes no file. Errors: as connect().
Result<std::unique_ptr<Sessions>> connect_target(const Location& location, bool rehearse);

}  // namespace hubseal::agent::store
