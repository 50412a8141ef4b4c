-- As on MySQL.

-- +goose Up
CREATE TABLE IF NOT EXISTS create_user_inbox (
  saga TEXT NOT NULL CHECK (length(saga) <= 72),
  user_hash TEXT NOT NULL CHECK (length(user_hash) <= 64),
  Id TEXT CHECK (length(Id) <= 100),
  state TEXT NOT NULL CHECK (state IN ('inserted', 'removed')),
  changed TEXT NOT NULL,
  PRIMARY KEY (saga, user_hash)
) STRICT, WITHOUT ROWID;

-- +goose Down
-- Nothing, as on MySQL.
