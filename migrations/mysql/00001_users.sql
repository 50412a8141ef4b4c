-- The table that the surrounding services read. An existing one is adopted as it
-- is, with its own collation, widths and further columns: never altered.
--
-- In a new one Ids compare as exact bytes, trailing spaces included. No collation
-- does that on both MariaDB and MySQL, so each server reads its own line here and
-- takes the other's for a comment. MySQL before 8.0.17 takes the table's
-- collation, which ignores trailing spaces.

-- +goose Up
CREATE TABLE IF NOT EXISTS Users (
  Id VARCHAR(100)
    /*M! COLLATE utf8mb4_nopad_bin */
    /*!80017 COLLATE utf8mb4_0900_bin */
    NOT NULL,
  Phone VARCHAR(100) NOT NULL,
  Password VARCHAR(100) NOT NULL,
  Name VARCHAR(100) NOT NULL,
  Image MEDIUMTEXT NOT NULL,
  PRIMARY KEY (Id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- Nothing: the table belongs to the surrounding services too.
