// Package service is what every service's main shares: settings from the
// environment, the log, the connection to NATS, health, and a graceful stop.
//
// A [Service] is a value: its name, its settings, and a Run function. [Main]
// runs it as a process; createuser run runs all of them in one.
package service
