#include "daemon/registry/schema.h"

#include <iterator>

#include <fmt/format.h>

namespace hubseal::daemon {
namespace {

// One text per version; what has been released is never changed, only followed.
// Times are seconds since 1970, UTC.
constexpr const char* kVersions[] = {
    R"sql(
CREATE TABLE keys (
  label TEXT PRIMARY KEY,
  key_id BLOB NOT NULL UNIQUE,
  type TEXT NOT NULL,
  use TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE cas (
  name TEXT PRIMARY KEY,
  key TEXT NOT NULL UNIQUE REFERENCES keys(label),
  profile TEXT NOT NULL,
  certificate BLOB,
  csr BLOB
) STRICT;
CREATE TABLE certificates (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  ca TEXT NOT NULL,
  serial TEXT NOT NULL,
  profile TEXT NOT NULL,
  subject TEXT NOT NULL,
  peer TEXT NOT NULL,
  request TEXT NOT NULL,
  content_hash BLOB NOT NULL,
  key_id BLOB NOT NULL UNIQUE,
  distinguished_name TEXT NOT NULL,
  not_before INTEGER NOT NULL,
  not_after INTEGER NOT NULL,
  tbs BLOB NOT NULL,
  algorithm INTEGER NOT NULL,
  certificate BLOB,
  UNIQUE (ca, serial),
  UNIQUE (peer, request)
) STRICT;
CREATE INDEX certificates_by_subject ON certificates (subject, row);
CREATE TABLE names (
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE clock (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  latest INTEGER NOT NULL
) STRICT;
)sql",
    R"sql(
CREATE TABLE approvals (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL,
  operation TEXT NOT NULL,
  about TEXT NOT NULL,
  content TEXT NOT NULL,
  policy_version INTEGER NOT NULL,
  needed INTEGER NOT NULL,
  peer TEXT NOT NULL,
  uid INTEGER NOT NULL,
  nonce BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT;
CREATE INDEX approvals_by_hash ON approvals (hash, id);
ALTER TABLE certificates ADD COLUMN approval TEXT NOT NULL DEFAULT '';
ALTER TABLE certificates ADD COLUMN key_core BLOB;
CREATE UNIQUE INDEX certificates_by_key_core ON certificates (key_core);
)sql",
    // Participants. Whoever had a name certified was one; what else is to be known of it, people must say.
    R"sql(
CREATE TABLE subjects (
  id TEXT PRIMARY KEY,
  organization TEXT NOT NULL,
  country TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO subjects SELECT DISTINCT subject, '', '', 'active', unixepoch() FROM names;
ALTER TABLE names ADD COLUMN state TEXT NOT NULL DEFAULT 'certified';
CREATE INDEX names_by_subject ON names (subject);
ALTER TABLE certificates ADD COLUMN names_hash BLOB;
CREATE INDEX certificates_by_names ON certificates (subject, profile, names_hash);
CREATE TABLE quotas (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  level INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE policies (
  version INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  loaded_at INTEGER NOT NULL,
  peer TEXT NOT NULL,
  uid INTEGER NOT NULL,
  approval TEXT NOT NULL
) STRICT;
CREATE TABLE policy_files (
  version INTEGER NOT NULL REFERENCES policies(version),
  name TEXT NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (version, name)
) STRICT, WITHOUT ROWID;
)sql",
    // Who may agree, and who did.
    R"sql(
CREATE TABLE instance (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  id TEXT NOT NULL
) STRICT;
INSERT INTO instance VALUES (1, lower(hex(randomblob(16))));
CREATE TABLE approvers (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  person TEXT NOT NULL COLLATE NOCASE,
  kind TEXT NOT NULL,
  uid INTEGER,
  public_key BLOB,
  credential_id BLOB,
  rp_id TEXT NOT NULL,
  origin TEXT NOT NULL,
  sign_count INTEGER NOT NULL,
  added_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX approvers_by_name ON approvers (name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX approvers_by_uid ON approvers (uid) WHERE removed_at IS NULL AND kind = 'uid';
CREATE UNIQUE INDEX approvers_by_public_key ON approvers (public_key) WHERE removed_at IS NULL;
CREATE TABLE votes (
  approval INTEGER NOT NULL REFERENCES approvals(id),
  approver INTEGER NOT NULL REFERENCES approvers(row),
  decision TEXT NOT NULL,
  at INTEGER NOT NULL,
  statement_hash BLOB NOT NULL,
  signature BLOB,
  authenticator_data BLOB,
  client_data BLOB,
  PRIMARY KEY (approval, approver, decision)
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_by_state ON approvals (state, expires_at);
)sql",
    // Which certificates are revoked, and the lists that say so.
    R"sql(
CREATE TABLE revocations (
  ca TEXT NOT NULL,
  serial TEXT NOT NULL,
  reason TEXT NOT NULL,
  revoked_at INTEGER NOT NULL,
  suspended INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (ca, serial)
) STRICT, WITHOUT ROWID;
CREATE TABLE revocation_changes (
  ca TEXT PRIMARY KEY,
  changes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE crls (
  ca TEXT NOT NULL,
  number INTEGER NOT NULL,
  change INTEGER NOT NULL,
  this_update INTEGER NOT NULL,
  next_update INTEGER NOT NULL,
  der BLOB,
  PRIMARY KEY (ca, number)
) STRICT;
CREATE TABLE checkpoints (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  next_size INTEGER NOT NULL,
  next_root BLOB NOT NULL
) STRICT;
)sql",
    // The switch that stops all signing, and the third place that remembers the last checkpoint.
    R"sql(
CREATE TABLE seal (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  at INTEGER NOT NULL,
  peer TEXT NOT NULL,
  uid INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
ALTER TABLE checkpoints ADD COLUMN in_token INTEGER NOT NULL DEFAULT 0;
)sql",
    // Where keys stand in their lives.
    R"sql(
ALTER TABLE keys ADD COLUMN life TEXT NOT NULL DEFAULT 'active';
ALTER TABLE keys ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN backup TEXT NOT NULL DEFAULT 'none';
ALTER TABLE keys ADD COLUMN destroy_at INTEGER;
UPDATE keys SET changed_at = created_at;
)sql",
    // Cross-certificates have the key of a CA that has a certificate of its own.
    R"sql(
CREATE TABLE certificates_with_cross (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  ca TEXT NOT NULL,
  serial TEXT NOT NULL,
  profile TEXT NOT NULL,
  subject TEXT NOT NULL,
  peer TEXT NOT NULL,
  request TEXT NOT NULL,
  content_hash BLOB NOT NULL,
  key_id BLOB NOT NULL,
  distinguished_name TEXT NOT NULL,
  not_before INTEGER NOT NULL,
  not_after INTEGER NOT NULL,
  tbs BLOB NOT NULL,
  algorithm INTEGER NOT NULL,
  certificate BLOB,
  approval TEXT NOT NULL DEFAULT '',
  key_core BLOB,
  names_hash BLOB,
  cross INTEGER NOT NULL DEFAULT 0,
  UNIQUE (ca, serial),
  UNIQUE (peer, request)
) STRICT;
INSERT INTO certificates_with_cross
  SELECT row, ca, serial, profile, subject, peer, request, content_hash, key_id, distinguished_name, not_before,
         not_after, tbs, algorithm, certificate, approval, key_core, names_hash, 0 FROM certificates;
DROP TABLE certificates;
ALTER TABLE certificates_with_cross RENAME TO certificates;
CREATE INDEX certificates_by_subject ON certificates (subject, row);
CREATE UNIQUE INDEX certificates_by_key_id ON certificates (key_id) WHERE cross = 0;
CREATE UNIQUE INDEX certificates_by_key_core ON certificates (key_core) WHERE cross = 0;
CREATE INDEX certificates_by_names ON certificates (subject, profile, names_hash);
CREATE INDEX certificates_by_cross ON certificates (row) WHERE cross = 1;
)sql",
    // CAs under an outside root, and CAs that were rotated out.
    R"sql(
ALTER TABLE cas ADD COLUMN chain TEXT NOT NULL DEFAULT '';
ALTER TABLE cas ADD COLUMN retired_at INTEGER;
)sql",
    // What a key that is to be destroyed still waits by a clock that nobody can set; and how often sealing was asked
    // for.
    R"sql(
ALTER TABLE keys ADD COLUMN destroy_wait INTEGER NOT NULL DEFAULT 0;
ALTER TABLE seal ADD COLUMN seals INTEGER NOT NULL DEFAULT 1;
)sql",
    // All checkpoints that may have reached log or token since the last one that is known to have.
    R"sql(
CREATE TABLE announced_checkpoints (
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  PRIMARY KEY (size, root)
) STRICT;
INSERT INTO announced_checkpoints SELECT next_size, next_root FROM checkpoints WHERE length(next_root) > 0;
)sql",
    // What consent was given for: this suspension and no other, this many people and not more.
    R"sql(
ALTER TABLE subjects ADD COLUMN status_changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE certificates ADD COLUMN approvals_needed INTEGER NOT NULL DEFAULT 0;
)sql",
    // That a key was compromised outlives the key.
    R"sql(
ALTER TABLE keys ADD COLUMN compromised_at INTEGER;
UPDATE keys SET compromised_at = changed_at WHERE life = 'compromised';
)sql",
    // Which CA issues in the place of one that was retired.
    R"sql(
ALTER TABLE cas ADD COLUMN successor TEXT NOT NULL DEFAULT '';
)sql",
    // How many transactions this registry has taken: the audit log says it with each record.
    R"sql(
CREATE TABLE changes (count INTEGER NOT NULL);
INSERT INTO changes VALUES (0);
)sql",
    // Lists of a CA's certificates by an index, in the order of their rows.
    R"sql(
CREATE INDEX certificates_by_ca ON certificates (ca);
CREATE INDEX certificates_by_ca_and_subject ON certificates (ca, subject);
)sql",
    // That a start found this registry, the log or the token to be of an older time, until people accept it.
    R"sql(
CREATE TABLE old_state (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  lost_work TEXT NOT NULL,
  records INTEGER NOT NULL
) STRICT;
)sql",
    // How many transactions the registry had taken then: those of a sealed daemon hide nothing.
    R"sql(
ALTER TABLE old_state ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
)sql",
    // How many records the audit log had at the last transaction; and which log it was that an old state was found
    // with.
    R"sql(
ALTER TABLE changes ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE old_state ADD COLUMN root BLOB NOT NULL DEFAULT x'';
)sql",
    // An old state that was noted without a count of transactions: the log may have said as many as there are now.
    R"sql(
UPDATE old_state SET changes = (SELECT count FROM changes) WHERE changes = 0;
)sql",
    // Which keys may be gone from the token because hubseald has begun to destroy them.
    R"sql(
ALTER TABLE keys ADD COLUMN destruction_begun INTEGER NOT NULL DEFAULT 0;
)sql",
    // Why a request for approval ended where nobody's vote has ended it.
    R"sql(
ALTER TABLE approvals ADD COLUMN reason TEXT NOT NULL DEFAULT '';
)sql",
    // What people are asked to agree to when another policy is to come into force, to be read and not only hashed.
    R"sql(
CREATE TABLE policy_texts (
  sha256 TEXT PRIMARY KEY,
  text BLOB NOT NULL
) STRICT;
)sql",
    // With which algorithm a key signs JWS, where it is not the usual one of its type.
    R"sql(
ALTER TABLE keys ADD COLUMN algorithm TEXT NOT NULL DEFAULT '';
)sql",
    // How one key for JWS takes over from another. What was cancelled keeps nobody from beginning again.
    R"sql(
CREATE TABLE rotations (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  successor TEXT NOT NULL UNIQUE REFERENCES keys(label),
  predecessor TEXT NOT NULL REFERENCES keys(label),
  step TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  since INTEGER NOT NULL,
  wait INTEGER NOT NULL,
  due_at INTEGER,
  activate_hours INTEGER NOT NULL,
  retire_hours INTEGER NOT NULL,
  destroy_hours INTEGER NOT NULL,
  overlap_hours INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX rotations_by_predecessor ON rotations (predecessor) WHERE step != 'cancelled';
)sql",
};
constexpr auto kNewest = static_cast<std::int64_t>(std::size(kVersions));

Result<std::int64_t> version_of(Database& database) {
  Statement statement = TRY(database.prepare("PRAGMA user_version"));
  TRY(statement.step());
  return statement.integer(0);
}

Result<> upgrade(Database& database, std::int64_t version) {
  TRY(database.execute("BEGIN IMMEDIATE"));
  auto done = database.execute(kVersions[version]);
  if (done) done = database.execute(fmt::format("PRAGMA user_version = {}; COMMIT", version + 1).c_str());
  if (!done) (void)database.execute("ROLLBACK");
  return done;
}

}  // namespace

Result<> migrate(Database& database) {
  std::int64_t version = TRY(version_of(database));
  if (version > kNewest)
    return fail(Code::storage_unavailable, fmt::format("registry has version {}, this hubseald knows {}; it was "
                                                       "written by a newer one",
                                                       version, kNewest));
  for (; version < kNewest; ++version) TRY(upgrade(database, version));
  return {};
}

}  // namespace hubseal::daemon
