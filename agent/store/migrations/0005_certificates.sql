-- What a participant told of its own CA, its TLS server and its JWS key. Each has one, and the newest counts: stored_at is
-- this server's time. Texts are kept byte for byte, JSON as it was computed.

CREATE TABLE dfsp_cas (
  dfsp_id            TEXT PRIMARY KEY REFERENCES dfsps (dfsp_id) ON DELETE CASCADE,
  root_certificate   TEXT NOT NULL,
  intermediate_chain TEXT NOT NULL,
  validations        TEXT NOT NULL,
  validation_state   TEXT NOT NULL CHECK (validation_state IN ('VALID', 'INVALID')),
  stored_at          TEXT NOT NULL
);

CREATE TABLE dfsp_server_certs (
  dfsp_id            TEXT PRIMARY KEY REFERENCES dfsps (dfsp_id) ON DELETE CASCADE,
  root_certificate   TEXT,
  intermediate_chain TEXT,
  server_certificate TEXT NOT NULL,
  validations        TEXT NOT NULL,
  validation_state   TEXT NOT NULL CHECK (validation_state IN ('VALID', 'INVALID')),
  stored_at          TEXT NOT NULL
);

-- Keys of participants (native) and of participants of other schemes, which a proxy brings. One name, whatever its letter
-- case, has one key.
CREATE TABLE jws_keys (
  folded_id        TEXT PRIMARY KEY,
  dfsp_id          TEXT NOT NULL,
  native           BIGINT NOT NULL CHECK (native IN (0, 1)),
  -- The proxy that brought an external key; null where the hub's own people did.
  source_dfsp_id   TEXT REFERENCES dfsps (dfsp_id) ON DELETE CASCADE,
  public_key       TEXT NOT NULL,
  -- The number that the client sent, as JSON. It is given back and decides nothing.
  created_at       TEXT,
  validations      TEXT NOT NULL,
  validation_state TEXT NOT NULL CHECK (validation_state IN ('VALID', 'INVALID')),
  stored_at        TEXT NOT NULL,
  CHECK (native = 0 OR source_dfsp_id IS NULL)
);

-- The hub's client certificates towards participants. The private key is in the HSM under key_label.
CREATE TABLE outbound_enrollments (
  id                 BIGINT PRIMARY KEY,
  dfsp_id            TEXT NOT NULL REFERENCES dfsps (dfsp_id),
  state              TEXT NOT NULL CHECK (state IN ('CSR_LOADED', 'CERT_SIGNED')),
  key_label          TEXT NOT NULL UNIQUE,
  -- Null while the key is made: the place is taken before, so that no more keys are made than may wait.
  csr                TEXT,
  csr_info           TEXT,
  certificate        TEXT,
  cert_info          TEXT,
  validations        TEXT,
  validation_state   TEXT CHECK (validation_state IN ('VALID', 'INVALID')),
  -- The newest certificate that was found good, which is the one to use; `certificate` is the newest of all.
  usable_certificate TEXT,
  created_at         TEXT NOT NULL,
  stored_at          TEXT,
  CHECK ((csr IS NULL) = (csr_info IS NULL)),
  CHECK ((state = 'CERT_SIGNED') = (certificate IS NOT NULL)),
  CHECK ((certificate IS NULL) = (cert_info IS NULL))
);

CREATE INDEX outbound_enrollments_by_dfsp ON outbound_enrollments (dfsp_id, id);
