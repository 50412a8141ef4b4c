// Package cells holds the NATS configuration that docs/scaling.md shows for more
// than one event store, and the test that it does what the document says.
package cells
