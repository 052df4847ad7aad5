-- Where a session stands in line for a machine (JSON); null: its pool has no line.
ALTER TABLE sessions ADD COLUMN line text;
CREATE INDEX sessions_line ON sessions (id) WHERE line IS NOT NULL;
CREATE INDEX sessions_waiting ON sessions (id) WHERE step = 'waiting';
