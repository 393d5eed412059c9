-- When an item's value was changed last, in seconds since 1970; null where it never was.
ALTER TABLE endpoint_items ADD COLUMN value_changed_at BIGINT;
