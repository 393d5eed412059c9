-- Lists show what waits, then the newest of what is signed. In this order they are read from the index, whatever the number
-- of enrollments that a participant has.
CREATE INDEX inbound_enrollments_by_state ON inbound_enrollments (dfsp_id, state, id);
CREATE INDEX outbound_enrollments_by_state ON outbound_enrollments (dfsp_id, state, id);
DROP INDEX inbound_enrollments_by_dfsp;
