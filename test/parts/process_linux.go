package parts

import "syscall"

// dieWithParent has the kernel end a child as soon as its parent has ended, in
// whatever way.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
