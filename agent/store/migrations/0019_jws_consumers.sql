-- What each service of the hub says that it verifies messages with: a JSON object of participants' ids and thumbprints.
CREATE TABLE jws_consumers (
  name        TEXT PRIMARY KEY,
  loaded      TEXT NOT NULL,
  reported_at TEXT NOT NULL
);
