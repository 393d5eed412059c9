-- What the hub's own TLS servers show. There is one; the private key is in the HSM under key_label.
CREATE TABLE hub_server_cert (
  one                BIGINT PRIMARY KEY CHECK (one = 1),
  -- Null where the key is not hubseald's.
  key_label          TEXT,
  -- The names, the key type, the CA and the profile that were configured when it was made; null where it was brought.
  asked              TEXT,
  root_certificate   TEXT,
  -- A JSON list of PEM: from who signed it up to the root.
  chain              TEXT NOT NULL,
  server_certificate TEXT NOT NULL,
  validations        TEXT NOT NULL,
  validation_state   TEXT NOT NULL CHECK (validation_state IN ('VALID', 'INVALID')),
  stored_at          TEXT NOT NULL
);

-- The next one, while its key is made, while people have to agree, and where hubseald does not issue it yet: its key is used
-- for the next attempt, so that repetitions make no more keys.
CREATE TABLE hub_server_cert_wanted (
  one        BIGINT PRIMARY KEY CHECK (one = 1),
  key_label  TEXT NOT NULL,
  asked      TEXT NOT NULL,
  -- Null while the key is made.
  csr        TEXT,
  approval   TEXT,
  created_at TEXT NOT NULL
);
