-- Machines that joined. Owner: the user whom alone it serves; null: it serves pools. Offer and facts are JSON, as the
-- machine says them.
CREATE TABLE nodes (
    id        text PRIMARY KEY,
    name      text NOT NULL,
    owner_id  text REFERENCES users (id),
    hash      text NOT NULL UNIQUE,
    offer     text NOT NULL,
    facts     text,
    version   text,
    draining  boolean NOT NULL,
    joined_at bigint NOT NULL,
    last_seen bigint
);
CREATE UNIQUE INDEX nodes_name ON nodes (lower(name));

-- Tokens with which machines join, once each.
CREATE TABLE node_tokens (
    hash       text PRIMARY KEY,
    owner_id   text REFERENCES users (id) ON DELETE CASCADE,
    made_by    text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at bigint NOT NULL
);

ALTER TABLE resource_pools ADD COLUMN kind text NOT NULL DEFAULT 'engine';
ALTER TABLE resource_pools ADD COLUMN queues text;
