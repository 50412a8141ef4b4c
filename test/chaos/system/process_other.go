//go:build !linux

package system

import "syscall"

// dieWithParent: only Linux can have the kernel end a child with its parent.
func dieWithParent() *syscall.SysProcAttr { return nil }
