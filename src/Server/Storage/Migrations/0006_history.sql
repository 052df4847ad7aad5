-- For the removal of old history, bit by bit.
CREATE INDEX sessions_ended ON sessions (status_since) WHERE status = 'ended';
CREATE INDEX sessions_launcher ON sessions (launcher_id);
CREATE INDEX session_launchers_environment ON session_launchers (environment_id);
