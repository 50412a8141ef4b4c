// Package event is the contract of Create User: the events of the saga, their
// subjects and headers, the outcomes a user may hear, and how credentials are
// sealed. It imports neither NATS nor the saga runner, so that any program can
// speak the contract.
//
//	user.create.requested
//	    │  token-verifier      verifies the JWT, seals the credentials
//	    ├─► token-verified
//	    │  code-checker        compares and claims the code
//	    ├─► code-checked
//	    │  encryptor           encrypts phone and password
//	    ├─► encrypted
//	    │  user-writer         inserts the user: the pivot
//	    ├─► created
//	    │  code-deleter        deletes the code and its claim
//	    └─► completed
//
//	any step before the pivot, or the deadline ─► failed
//
// # Changing an event
//
// Events are stored for a week and read by services of other versions, so:
//
//   - a new property is optional, and its absence means what was true before;
//   - a property is never renamed, retyped or given another meaning;
//   - anything else is a new type, with a new version in its ce-type (".v2"),
//     appended beside the old one until no reader of the old one is left.
//
// The golden files in testdata hold the wire form of each event; a change that
// breaks one breaks somebody's reader.
package event
