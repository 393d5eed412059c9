-- People who have logged in with a browser. The id that their cookie holds is not here, only its SHA-256; no token of the
-- provider is kept. Times are seconds since 1970.
CREATE TABLE browser_sessions (
  id_hash TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  identity TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX browser_sessions_by_subject ON browser_sessions (subject, created_at);
CREATE INDEX browser_sessions_by_end ON browser_sessions (expires_at);
