// Package streams declares what Create User keeps in NATS JetStream, as data:
// its streams, the object store bucket for large images, and the durable
// consumer of every step. The files are in the form that the nats CLI reads:
//
//	nats stream add --config 1-USER_CREATE_REQUESTS.json
//	nats consumer add USER_CREATE_REQUESTS --config consumers/1-token-verifier.json
//
// [Apply] brings a server in line with them, [Status] shows where it is not.
// Beside them stand a JSON Schema of every event (see [Schema]) and
// asyncapi.yaml. README.md gives the reasons for the numbers.
//
// # What happens twice
//
// Apply is idempotent: it creates what is missing, updates what differs, and
// leaves alone what agrees. Only what a file declares counts: a setting that no
// file names, such as a placement, stays as an operator made it.
//
// # What happens at once
//
// Any number of processes may apply at once. Who loses the race to create
// something compares it instead.
//
// # What never happens
//
// Apply deletes and purges nothing, neither directly nor by a setting that
// would have the server do it. What the server cannot change, or what would
// lose messages, is a [*Conflict] that names the field, the reason and the
// remedy; that stream or consumer is left as it is, the others are applied.
//
// A consumer whose metadata says "only": "NOTIFIER_MODE=relay" is created where
// [Options.Relay] says that something relays.
//
// Capacity belongs to the deployment: declared replicas and bytes are what a
// stream is created with and the least that it has. Without [Options] an
// existing stream that has more of either keeps it.
package streams
