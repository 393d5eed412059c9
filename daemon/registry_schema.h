#pragma once

namespace hubseal::daemon {

/// Version 1 of the registry's tables. Times are seconds since 1970, UTC.
inline constexpr char kRegistrySchema[] = R"sql(
CREATE TABLE IF NOT EXISTS keys (
  label TEXT PRIMARY KEY,
  key_id BLOB NOT NULL UNIQUE,
  type TEXT NOT NULL,
  use TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cas (
  name TEXT PRIMARY KEY,
  key TEXT NOT NULL UNIQUE REFERENCES keys(label),
  profile TEXT NOT NULL,
  certificate BLOB,
  csr BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS certificates (
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
CREATE INDEX IF NOT EXISTS certificates_by_subject ON certificates (subject, row);
CREATE TABLE IF NOT EXISTS names (
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clock (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  latest INTEGER NOT NULL
) STRICT;
)sql";

}  // namespace hubseal::daemon
