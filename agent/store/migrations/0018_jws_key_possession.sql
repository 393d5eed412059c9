-- How it is known that a participant has its key for JWS: by nothing but its word, by its signature over a challenge, or by a
-- certificate. Whoever put a key in the place of another without that other's signature, and why, stays with the key.
ALTER TABLE jws_keys ADD COLUMN possession TEXT NOT NULL DEFAULT 'unproven' CHECK (possession IN ('unproven', 'proven', 'certified'));
ALTER TABLE jws_keys ADD COLUMN certificate TEXT;
ALTER TABLE jws_keys ADD COLUMN intermediate_chain TEXT;
ALTER TABLE jws_keys ADD COLUMN override_by TEXT;
ALTER TABLE jws_keys ADD COLUMN override_reason TEXT;

-- What participants are to sign, each good for one of them, once, and for a while.
CREATE TABLE jws_challenges (
  nonce      TEXT PRIMARY KEY,
  dfsp_id    TEXT NOT NULL REFERENCES dfsps (dfsp_id) ON DELETE CASCADE,
  expires_at TEXT NOT NULL
);
CREATE INDEX jws_challenges_by_dfsp ON jws_challenges (dfsp_id, expires_at);
