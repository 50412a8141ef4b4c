-- A step of its own, because a migration holds one statement. On MySQL the inbox
-- is created with this index.

-- +goose Up
CREATE INDEX IF NOT EXISTS create_user_inbox_id ON create_user_inbox (Id);

-- +goose Down
-- Nothing, as on MySQL.
