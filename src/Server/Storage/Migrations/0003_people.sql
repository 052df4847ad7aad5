-- What a user may hold at once, as JSON; null: what the installation's default says.
ALTER TABLE users ADD COLUMN quota text;

-- A workspace is named apart from its session, so that it can go on with another one; it is one row's at any time.
ALTER TABLE sessions ADD COLUMN workspace text NOT NULL DEFAULT '';
UPDATE sessions SET workspace = id;
CREATE UNIQUE INDEX sessions_workspace ON sessions (workspace);
ALTER TABLE sessions ADD COLUMN continues text;
ALTER TABLE sessions ADD COLUMN continued_by text;

-- Bytes in the workspace, and when they were counted.
ALTER TABLE sessions ADD COLUMN disk_used bigint;
ALTER TABLE sessions ADD COLUMN disk_measured_at bigint;

-- Who asked; null: Berth itself, by a deadline or what it saw.
ALTER TABLE session_events ADD COLUMN by_user text;
