-- Addresses and URLs, one row each, of the hub (dfsp_id NULL) and of DFSPs: two sequences of ids.
INSERT INTO counters (name, value) VALUES ('hub_endpoint_item', 0), ('dfsp_endpoint_item', 0), ('dfsp_endpoint', 0);

CREATE TABLE endpoint_items (
  id         BIGINT NOT NULL,
  dfsp_id    TEXT REFERENCES dfsps (dfsp_id) ON DELETE CASCADE,
  state      TEXT NOT NULL CHECK (state IN ('NEW', 'CONFIRMED', 'INVALID')),
  direction  TEXT NOT NULL CHECK (direction IN ('INGRESS', 'EGRESS')),
  type       TEXT NOT NULL CHECK (type IN ('IP', 'URL')),
  -- JSON with its members in one order, so that equal values are equal texts.
  value      TEXT NOT NULL,
  created_at TEXT NOT NULL
);

CREATE UNIQUE INDEX endpoint_items_of_hub ON endpoint_items (id) WHERE dfsp_id IS NULL;
CREATE UNIQUE INDEX endpoint_items_of_dfsps ON endpoint_items (id) WHERE dfsp_id IS NOT NULL;
CREATE INDEX endpoint_items_by_dfsp ON endpoint_items (dfsp_id, id);
CREATE INDEX endpoint_items_unprocessed ON endpoint_items (id) WHERE state = 'NEW' AND dfsp_id IS NOT NULL;

-- The documents that DFSPs' connectors upload; the one with the highest id counts.
CREATE TABLE dfsp_endpoints (
  id         BIGINT PRIMARY KEY,
  dfsp_id    TEXT NOT NULL REFERENCES dfsps (dfsp_id) ON DELETE CASCADE,
  direction  TEXT NOT NULL CHECK (direction IN ('INGRESS', 'EGRESS')),
  value      TEXT NOT NULL,
  created_at TEXT NOT NULL
);

CREATE INDEX dfsp_endpoints_by_dfsp ON dfsp_endpoints (dfsp_id, direction, id);

-- What DFSPs' connectors say of themselves.
CREATE TABLE dfsp_states (
  dfsp_id           TEXT NOT NULL REFERENCES dfsps (dfsp_id) ON DELETE CASCADE,
  state             TEXT NOT NULL,
  status            TEXT NOT NULL CHECK (status IN ('pending', 'inProgress', 'completed', 'inError')),
  state_description TEXT,
  error_description TEXT,
  last_updated      TEXT NOT NULL,
  PRIMARY KEY (dfsp_id, state)
);

-- What the ping server said last; until then, when the DFSP was added.
ALTER TABLE dfsps ADD COLUMN ping_status TEXT;
ALTER TABLE dfsps ADD COLUMN ping_status_at TEXT;
UPDATE dfsps SET ping_status_at = created_at;

CREATE TABLE monetary_zones (
  monetary_zone_id TEXT PRIMARY KEY,
  name             TEXT NOT NULL,
  created_at       TEXT NOT NULL
);
