-- Labels of the keys that the hub's own TLS servers have shown, whenever that was: none of them becomes the hub's client's.
CREATE TABLE hub_server_keys (
  key_label TEXT PRIMARY KEY
);
INSERT INTO hub_server_keys (key_label) SELECT key_label FROM hub_server_cert WHERE key_label IS NOT NULL;
