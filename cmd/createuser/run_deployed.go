//go:build deployed

package main

import "errors"

// runHelp is the command's line in --help.
const runHelp = `Not in this program, which was built for deployments: "make run", in a clone of the repository, runs everything.`

// runCommand stands where the programs that are built for development run everything:
// the servers that it would embed are a third of them.
type runCommand struct{}

// Run says where the command is.
func (runCommand) Run() error {
	return errors.New(`run is not in this program, which was built for deployments: "make run", in a clone of the repository, runs everything`)
}
