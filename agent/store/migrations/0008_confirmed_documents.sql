-- When somebody of the hub confirmed what a document says. Documents are never changed, so that nothing else is confirmed
-- with it; of each direction the confirmed one with the highest id is in force for gateways.
ALTER TABLE dfsp_endpoints ADD COLUMN confirmed_at TEXT;
