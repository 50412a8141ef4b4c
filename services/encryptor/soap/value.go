package soap

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkValue refuses what would not arrive as it is: the generated client
// leaves out an empty element, and encoding/xml writes U+FFFD for whatever it
// cannot carry, so that another password than the user's would be encrypted.
func checkValue(name, value string) error {
	switch {
	case value == "":
		return fmt.Errorf("%w: the %s is empty", ErrValue, name)
	case !utf8.ValidString(value):
		return fmt.Errorf("%w: the %s is not UTF-8", ErrValue, name)
	case strings.ContainsFunc(value, outsideXML):
		return fmt.Errorf("%w: the %s has a character that XML does not allow", ErrValue, name)
	}
	return nil
}

// outsideXML reports whether no XML 1.0 document may hold a character, not even
// escaped (XML 1.0, fifth edition, production 2).
func outsideXML(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	case 0xFFFE, 0xFFFF:
		return true
	}
	return r < ' '
}
