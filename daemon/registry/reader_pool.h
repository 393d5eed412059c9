#pragma once

#include <condition_variable>
#include <vector>

#include "common/guarded.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// Connections that only read, lent one at a time: a long read does not stop the others.
/// Threads: share it freely. Who has one must not ask for another.
class ReaderPool {
 public:
  explicit ReaderPool(std::vector<Database> readers) : readers_(std::move(readers)) {
    for (Database& reader : readers_) idle_.lock()->push_back(&reader);
  }

  class Lease {
   public:
    explicit Lease(ReaderPool& pool) : pool_(pool) {
      auto idle = pool_.idle_.lock();
      idle.wait(pool_.given_back_, [&] { return !idle->empty(); });
      reader_ = idle->back();
      idle->pop_back();
    }
    ~Lease() {
      pool_.idle_.lock()->push_back(reader_);
      pool_.given_back_.notify_one();
    }
    Lease(const Lease&) = delete;  // gives the connection back
    Lease& operator=(const Lease&) = delete;
    Database& operator*() const { return *reader_; }

   private:
    ReaderPool& pool_;
    Database* reader_ = nullptr;
  };

 private:
  std::vector<Database> readers_;
  Guarded<std::vector<Database*>> idle_;
  std::condition_variable given_back_;
};

}  // namespace hubseal::daemon
