-- 0 where an enrollment was taken over from a program that kept its private keys elsewhere: it is shown and never used.
ALTER TABLE outbound_enrollments ADD COLUMN key_in_hsm BIGINT NOT NULL DEFAULT 1 CHECK (key_in_hsm IN (0, 1));
