-- What the user-writer did for each saga. A saga is known by its id and its user's
-- hash. Id names the row that the saga inserted into Users; it is NULL when nothing
-- of the saga's stands there: state removed is a tombstone. changed is in UTC.

-- +goose Up
CREATE TABLE IF NOT EXISTS create_user_inbox (
  saga VARCHAR(72) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  Id VARCHAR(100)
    /*M! COLLATE utf8mb4_nopad_bin */
    /*!80017 COLLATE utf8mb4_0900_bin */
    NULL,
  state VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  changed DATETIME(6) NOT NULL,
  PRIMARY KEY (saga, user_hash),
  KEY create_user_inbox_id (Id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- Nothing: without the inbox a redelivered saga would find its own row and be told
-- that the user exists.
