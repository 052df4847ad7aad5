-- Who was connected to a session, how, and how much passed. A stream that comes back is one connection; seen_at is when its
-- server last wrote of it.
CREATE TABLE connections (
    id         text PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    stream     text NOT NULL,
    user_id    text NOT NULL,
    kind       text NOT NULL,
    target     text,
    address    text NOT NULL,
    started_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    ended_at   bigint,
    lost       boolean NOT NULL,
    bytes_in   bigint NOT NULL,
    bytes_out  bigint NOT NULL,
    UNIQUE (session_id, stream)
);
CREATE INDEX connections_user ON connections (user_id, id);
CREATE INDEX connections_open ON connections (seen_at) WHERE ended_at IS NULL;
