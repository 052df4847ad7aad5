-- Portable between SQLite and PostgreSQL: times are UTC milliseconds, lists and records are JSON text,
-- names of states are snake case.

CREATE TABLE settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);

-- Integer ids of pools and classes, never given out twice.
CREATE TABLE counters (
    name  text PRIMARY KEY,
    value bigint NOT NULL
);
INSERT INTO counters (name, value) VALUES ('resource_pools', 0), ('resource_classes', 0);

CREATE TABLE users (
    id            text PRIMARY KEY,
    username      text NOT NULL UNIQUE,
    is_admin      boolean NOT NULL,
    first_name    text,
    last_name     text,
    email         text,
    password_hash text,
    disabled      boolean NOT NULL,
    created_at    bigint NOT NULL
);

CREATE TABLE sign_in_links (
    hash       text PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at bigint NOT NULL
);

-- One row for each signed-in browser.
CREATE TABLE sign_ins (
    id         text PRIMARY KEY,
    hash       text NOT NULL UNIQUE,
    user_id    text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);

CREATE TABLE api_tokens (
    id           text PRIMARY KEY,
    hash         text NOT NULL UNIQUE,
    user_id      text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         text NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    last_used_at bigint
);

CREATE TABLE projects (
    id           text PRIMARY KEY,
    name         text NOT NULL,
    namespace    text NOT NULL,
    slug         text NOT NULL,
    visibility   text NOT NULL,
    description  text,
    keywords     text NOT NULL,
    repositories text NOT NULL,
    personal_of  text UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    created_by   text NOT NULL,
    created_at   bigint NOT NULL,
    version      bigint NOT NULL,
    UNIQUE (namespace, slug)
);

CREATE TABLE project_members (
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_id    text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       text NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX project_members_user ON project_members (user_id);

CREATE TABLE environments (
    id                text PRIMARY KEY,
    kind              text NOT NULL,
    name              text NOT NULL,
    description       text,
    container_image   text NOT NULL,
    default_url       text NOT NULL,
    port              integer NOT NULL,
    uid               integer,
    gid               integer,
    working_directory text,
    mount_directory   text,
    command           text,
    args              text,
    strip_path_prefix boolean NOT NULL,
    image_source      text NOT NULL,
    is_archived       boolean NOT NULL,
    created_by        text NOT NULL,
    created_at        bigint NOT NULL
);

CREATE TABLE session_launchers (
    id                text PRIMARY KEY,
    project_id        text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    environment_id    text NOT NULL REFERENCES environments (id),
    name              text NOT NULL,
    description       text,
    resource_class_id integer,
    disk_storage      integer,
    launcher_type     text NOT NULL,
    env_variables     text NOT NULL,
    listed            boolean NOT NULL,
    created_by        text NOT NULL,
    created_at        bigint NOT NULL
);
CREATE INDEX session_launchers_project ON session_launchers (project_id);

CREATE TABLE resource_pools (
    id                         integer PRIMARY KEY,
    name                       text NOT NULL UNIQUE,
    is_default                 boolean NOT NULL,
    is_public                  boolean NOT NULL,
    platform                   text,
    quota                      text,
    idle_threshold             integer,
    hibernation_threshold      integer,
    hibernation_warning_period integer,
    idle_cpu_threshold         double precision NOT NULL,
    reach                      text NOT NULL,
    cluster_id                 text,
    remote                     text
);

CREATE TABLE resource_classes (
    id              integer PRIMARY KEY,
    pool_id         integer NOT NULL REFERENCES resource_pools (id) ON DELETE CASCADE,
    name            text NOT NULL,
    cpu             double precision NOT NULL,
    memory          integer NOT NULL,
    gpu             integer NOT NULL,
    max_storage     integer NOT NULL,
    default_storage integer NOT NULL,
    is_default      boolean NOT NULL,
    tolerations     text NOT NULL,
    node_affinities text NOT NULL
);
CREATE INDEX resource_classes_pool ON resource_classes (pool_id);

CREATE TABLE pool_users (
    pool_id integer NOT NULL REFERENCES resource_pools (id) ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (pool_id, user_id)
);

-- Launcher, project, pool and class are not foreign keys: the history of a session outlives them.
CREATE TABLE sessions (
    id               text PRIMARY KEY,
    name             text NOT NULL,
    user_id          text NOT NULL REFERENCES users (id),
    launcher_id      text NOT NULL,
    project_id       text NOT NULL,
    pool_id          integer NOT NULL,
    class_id         integer NOT NULL,
    provider         text NOT NULL,
    spec             text NOT NULL,
    limits           text NOT NULL,
    generation       integer NOT NULL,
    wish             text NOT NULL,
    status           text NOT NULL,
    status_since     bigint NOT NULL,
    step             text NOT NULL,
    stage            text,
    stage_detail     text,
    stages           text NOT NULL,
    reason           text,
    detail           text,
    notices          text NOT NULL,
    exit_code        integer,
    address          text,
    generation_since bigint NOT NULL,
    starting_since   bigint,
    last_used        bigint NOT NULL,
    extended_until   bigint,
    has_workspace    boolean NOT NULL,
    created_at       bigint NOT NULL,
    version          bigint NOT NULL
);
-- At most one session of a launcher for a user, and unique names, whoever starts at the same moment.
CREATE UNIQUE INDEX sessions_one_of_launcher ON sessions (user_id, launcher_id) WHERE status <> 'ended';
CREATE UNIQUE INDEX sessions_name ON sessions (user_id, name) WHERE status <> 'ended';
CREATE INDEX sessions_provider ON sessions (provider) WHERE status <> 'ended';
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE session_events (
    id         text PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    at         bigint NOT NULL,
    kind       text NOT NULL,
    text       text NOT NULL,
    generation integer NOT NULL
);
CREATE INDEX session_events_session ON session_events (session_id, id);

-- Who acts on a provider instance. Taken by one conditional UPDATE; an expired lease may be taken by anybody.
CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     text NOT NULL,
    epoch      bigint NOT NULL,
    expires_at bigint NOT NULL
);
