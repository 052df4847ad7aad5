-- Seconds; null: the server's default.
ALTER TABLE resource_pools ADD COLUMN age_threshold integer;
ALTER TABLE resource_pools ADD COLUMN starting_threshold integer;
ALTER TABLE resource_pools ADD COLUMN failed_threshold integer;
ALTER TABLE resource_pools ADD COLUMN retention_threshold integer;

-- What a session is in use by (flags), and the deadline that its owner was warned of.
ALTER TABLE sessions ADD COLUMN in_use integer NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN warned_of bigint;
