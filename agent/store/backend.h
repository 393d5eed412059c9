/// What differs between the two databases. Included by sessions.h and database.cpp alone.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <Poco/Data/Session.h>

#include "agent/store/location.h"

namespace hubseal::agent::store {

/// With whom a database is used: alone is for work on the whole of it.
enum class Use { shared, alone };

/// What was to be used alone is open elsewhere.
struct InUse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Opens sessions and begins transactions that write.
/// Threads: share it freely. Throws Poco::Exception; InUse.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual Poco::Data::Session open() const = 0;
  /// From here to the end of the transaction nobody else writes, on this host or another: what was read stays true.
  virtual void begin(Poco::Data::Session& session) const = 0;
};

std::unique_ptr<const Backend> make_backend(const Location& location, Use use = Use::shared);

/// Of the table, or view, that this name stands for; none where there is none.
std::vector<std::string> columns_of(Poco::Data::Session& session, const std::string& table);

}  // namespace hubseal::agent::store
