-- What an enrollment waits for while other people have to agree: {"id", "needed", "expires"}, as clients see it.
ALTER TABLE inbound_enrollments ADD COLUMN approval TEXT;
