-- What a token may be used for. Those that are there were made to do everything, and go on to.
ALTER TABLE api_tokens ADD COLUMN scope text NOT NULL DEFAULT 'all';
