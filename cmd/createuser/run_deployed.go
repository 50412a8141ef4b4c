//go:build deployed

package main

import "errors"

const runIs = `not in this program, which was built for deployments: "make run", in a clone of the repository, runs everything`

// runHelp is the command's line in --help.
const runHelp = "Run everything in one process: " + runIs + "."

// runCommand stands where a program that is built for development has the servers
// that it embeds, and all services.
type runCommand struct{}

// Run says where the command is.
func (runCommand) Run() error { return errors.New("run is " + runIs) }
