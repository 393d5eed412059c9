#include "agent/store/database.h"

#include "agent/store/migrations.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {
Database::Database(std::unique_ptr<Sessions> sessions) : sessions_(std::move(sessions)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const Location& location) {
  auto sessions = TRY(connect(location, Use::shared));
  TRY(migrate(*sessions, embedded_migrations()));
  return std::unique_ptr<Database>(new Database(std::move(sessions)));
}

Refusals Database::refusals() const { return sessions_->refusals(); }

Result<> Database::ping() {
  return sessions_->read([](Session& session) -> Result<> {
    // A real page of the file, so that a vanished or damaged file is noticed.
    int rows = 0;
    session << "SELECT COUNT(*) FROM counters", Poco::Data::Keywords::into(rows), Poco::Data::Keywords::now;
    if (rows == 0) return fail(Code::storage_unavailable, "the database is empty");
    return {};
  });
}

}  // namespace hubseal::agent::store
