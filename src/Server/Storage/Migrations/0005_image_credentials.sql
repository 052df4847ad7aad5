-- Credentials for registries of images. Owner: a user, or nobody: the installation. The secret is encrypted.
CREATE TABLE image_credentials (
    owner      text NOT NULL,
    host       text NOT NULL,
    username   text NOT NULL,
    secret     text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (owner, host)
);
