// Package dropin tests Create User in the place of the service that it replaces,
// among that service's neighbours: npm's Bull as producer, worker, observer and
// dashboard, npm's Socket.IO as server and clients.
package dropin
