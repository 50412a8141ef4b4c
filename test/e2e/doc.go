// Package e2e tests Create User as its users meet it: the real binaries as
// processes, a real NATS, MariaDB and Redis, the encryption stand-in, and the
// npm socket.io-client as the browser.
package e2e
