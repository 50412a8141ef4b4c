package store

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysqlColumn finds the column in the messages of refused values, which end in
// "for column 'Name' at row 1" (MySQL) or "for column `d`.`Users`.`Name` at row 1"
// (MariaDB).
var mysqlColumn = regexp.MustCompile("['`]([A-Za-z_]+)['`] at row \\d+$")

// explainMySQL turns an error of the driver into a [fault], unless it comes from no
// server: those quote nothing.
func explainMySQL(err error) error {
	if errors.Is(err, mysql.ErrPktTooLarge) {
		return &fault{refused, "a value is larger than max_allowed_packet"}
	}
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return err
	}
	k := mysqlKind(e)
	text := fmt.Sprintf("error %d (%s)", e.Number, e.SQLState)
	switch {
	case k == refused:
		text = refusal(e) + ": " + text
	case quotesNothing(e.Number):
		text += ": " + e.Message
	}
	return &fault{k, text}
}

// mysqlKind sorts the errors of MySQL and MariaDB.
func mysqlKind(e *mysql.MySQLError) kind {
	switch e.Number {
	case 1062: // duplicate entry
		return duplicate
	case 1213, 1205, // deadlock; lock wait timeout
		1020, // record has changed since last read (MariaDB)
		3101: // rolled back by group replication (MySQL)
		return conflict
	case 1406, 1366, 1265, 1264, 1292, // too long; not in the character set; truncated; out of range; incorrect
		1267, 1270, 1271, 3854, // compared with a column that cannot hold it
		1118,             // row too large
		3819, 4025, 1048, // check constraint (MySQL, MariaDB); null
		1153, 1301: // larger than max_allowed_packet
		return refused
	case 1105: // unknown error, which is also what a long prepared value gets
		if strings.Contains(e.Message, "max_allowed_packet") {
			return refused
		}
	case 1040, 1203, 1226, 1129, // too many connections: in all, per user, per hour; host blocked
		1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, // shutting down; connection broken
		1317, 1927, 1969, 3024, 4031, // interrupted; killed; took too long
		1290, 1792, 1836, // read-only
		1021, 1114, 1041, // disk, table or memory full
		1047, 3100, 3168: // node of a cluster not ready
		return unavailable
	}
	return unexpected
}

// quotesNothing reports whether the server's own message may be shown: of those that
// name at most a table, a column or an account, and are of use to who operates it.
func quotesNothing(number uint16) bool {
	return slices.Contains([]uint16{
		1040, 1044, 1045, 1049, 1053, 1054, 1142, 1143, 1146, 1203, 1205, 1213, 1226, 1290, 1364, 1698, 1792, 1836, 1927,
	}, number)
}

// refusal says what is wrong with a refused value, and of which column.
func refusal(e *mysql.MySQLError) string {
	what := "a value"
	if m := mysqlColumn.FindStringSubmatch(e.Message); m != nil && slices.Contains(columns(), m[1]) {
		what = m[1]
	}
	switch e.Number {
	case 1406:
		return what + " is too long for its column"
	case 1366, 1267, 1270, 1271, 3854:
		return what + " has characters that its column's character set does not"
	case 1153, 1301, 1105:
		return what + " is larger than max_allowed_packet"
	}
	return what + " does not fit its column"
}
