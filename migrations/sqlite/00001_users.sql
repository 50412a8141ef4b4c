-- As on MySQL, where SQLite differs: it does not bound text by its declared type, so
-- the checks do. A MEDIUMTEXT is bounded in bytes, a VARCHAR in characters. SQLite
-- compares text as exact bytes by default.

-- +goose Up
CREATE TABLE IF NOT EXISTS Users (
  Id TEXT NOT NULL PRIMARY KEY CHECK (length(Id) <= 100),
  Phone TEXT NOT NULL CHECK (length(Phone) <= 100),
  Password TEXT NOT NULL CHECK (length(Password) <= 100),
  Name TEXT NOT NULL CHECK (length(Name) <= 100),
  Image TEXT NOT NULL CHECK (length(CAST(Image AS BLOB)) <= 16777215)
) STRICT;

-- +goose Down
-- Nothing, as on MySQL.
