-- Plain SQL that SQLite and PostgreSQL both take. Each statement ends with a semicolon at the end
-- of a line. Never edit a migration that was released: add the next one.

-- Numbers are allocated here and nowhere else. Enrollments of both directions and of all DFSPs
-- share one sequence; clients know its first value as 2.
CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('dfsp', 0), ('enrollment', 1);

CREATE TABLE dfsps (
  dfsp_id          TEXT PRIMARY KEY,
  number           BIGINT NOT NULL UNIQUE,
  -- Lower case: "bank1" and "BANK1" would be one name to a person, so only one of them can exist.
  folded_id        TEXT NOT NULL UNIQUE,
  name             TEXT NOT NULL,
  monetary_zone_id TEXT,
  is_proxy         BIGINT CHECK (is_proxy IN (0, 1)),
  security_group   TEXT NOT NULL,
  email            TEXT,
  created_at       TEXT NOT NULL
);

CREATE TABLE dfsp_currencies (
  dfsp_id  TEXT NOT NULL REFERENCES dfsps (dfsp_id) ON DELETE CASCADE,
  currency TEXT NOT NULL,
  PRIMARY KEY (dfsp_id, currency)
);

CREATE TABLE inbound_enrollments (
  id               BIGINT PRIMARY KEY,
  dfsp_id          TEXT NOT NULL REFERENCES dfsps (dfsp_id),
  state            TEXT NOT NULL CHECK (state IN ('CSR_LOADED', 'CERT_SIGNED')),
  csr              TEXT NOT NULL,
  csr_sha256       TEXT NOT NULL,
  csr_info         TEXT NOT NULL,
  validations      TEXT NOT NULL,
  validation_state TEXT NOT NULL CHECK (validation_state IN ('VALID', 'INVALID')),
  -- The request id under which the signing daemon was asked; set before it is asked.
  signing_request  TEXT,
  certificate      TEXT,
  cert_info        TEXT,
  created_at       TEXT NOT NULL,
  signed_at        TEXT,
  CHECK ((state = 'CERT_SIGNED') = (certificate IS NOT NULL)),
  CHECK ((certificate IS NULL) = (cert_info IS NULL))
);

-- The same CSR twice is one enrollment, also when both arrive at the same moment.
CREATE UNIQUE INDEX inbound_enrollments_open_csr
  ON inbound_enrollments (dfsp_id, csr_sha256) WHERE state = 'CSR_LOADED';

CREATE INDEX inbound_enrollments_by_dfsp ON inbound_enrollments (dfsp_id, id);
