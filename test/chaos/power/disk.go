// Package power shows what a power failure takes from NATS. A server keeps its
// store on a file system that gives the power away: see [Disk].
package power

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Disk is a file system (FUSE) that knows what a power failure leaves. Its
// processes see all that they wrote; on the platter stands only what they had
// flushed: a file's content at its last fsync, or after each write when it was
// opened with O_SYNC.
//
// It is kind to directories: a file that was made, renamed or removed stays so,
// as on a file system with a journal, though nobody flushed the directory. And it
// tears no write. So what is lost here is lost for want of an fsync alone.
type Disk struct {
	// Path is where processes see the file system.
	Path string
	// Platter is a plain folder that holds what a power failure leaves.
	Platter string

	server *fuse.Server
	live   string

	mu  sync.Mutex
	off bool // the power is off: nothing reaches the platter any more; guarded by mu
}

// Mount makes an empty disk inside folder. It needs /dev/fuse, and root or the
// program fusermount3.
func Mount(folder string) (*Disk, error) {
	d := &Disk{Path: filepath.Join(folder, "mount"), Platter: filepath.Join(folder, "platter"), live: filepath.Join(folder, "live")}
	for _, path := range []string{d.Path, d.Platter, d.live} {
		if err := os.Mkdir(path, 0o750); err != nil {
			return nil, fmt.Errorf("make a disk: %w", err)
		}
	}
	data := &fusefs.LoopbackRoot{Path: d.live}
	root := &node{LoopbackNode: fusefs.LoopbackNode{RootData: data}, disk: d}
	data.RootNode = root
	var err error
	d.server, err = fusefs.Mount(d.Path, root, &fusefs.Options{MountOptions: fuse.MountOptions{DirectMount: true, Name: "power", FsName: d.live}})
	if err != nil {
		return nil, fmt.Errorf("mount a disk (it needs /dev/fuse, and root or fusermount3): %w", err)
	}
	return d, nil
}

// Sync flushes all, as a system does that has had some minutes' rest.
func (d *Disk) Sync() error {
	return filepath.WalkDir(d.live, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(d.live, path)
		if err != nil {
			return err
		}
		if errno := d.flush(name); errno != 0 {
			return fmt.Errorf("flush %s: %w", name, errno)
		}
		return nil
	})
}

// Cut cuts the power: what is not on the platter by now never will be.
func (d *Disk) Cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
}

// Unmount takes the file system away. Nobody may use it any more.
func (d *Disk) Unmount() error {
	if err := d.server.Unmount(); err != nil {
		return fmt.Errorf("unmount the disk: %w", err)
	}
	return nil
}

// keep does to the platter what was done to the disk, while there is power.
func (d *Disk) keep(do func() error) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return 0
	}
	if err := do(); err != nil && !errors.Is(err, fs.ErrNotExist) { // one that is open and has no name any more
		return fusefs.ToErrno(err)
	}
	return 0
}

// flush puts a file's content on the platter.
func (d *Disk) flush(name string) syscall.Errno {
	return d.keep(func() error {
		data, err := os.ReadFile(filepath.Join(d.live, name))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(d.Platter, name), data, 0o600)
	})
}

// node is a file or folder of a disk.
type node struct {
	fusefs.LoopbackNode

	disk *Disk
}

// WrapChild implements [fusefs.NodeWrapChilder].
func (n *node) WrapChild(context.Context, fusefs.InodeEmbedder) fusefs.InodeEmbedder {
	return &node{LoopbackNode: fusefs.LoopbackNode{RootData: n.RootData}, disk: n.disk}
}

// path returns where it is in the disk, or an entry in it.
func (n *node) path(entry ...string) string {
	return filepath.Join(append([]string{n.Path(n.Root())}, entry...)...)
}

func (n *node) platter(entry ...string) string {
	return filepath.Join(n.disk.Platter, n.path(entry...))
}

// Mkdir implements [fusefs.NodeMkdirer].
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	inode, errno := n.LoopbackNode.Mkdir(ctx, name, mode, out)
	if errno == 0 {
		errno = n.disk.keep(func() error { return os.Mkdir(n.platter(name), 0o750) })
	}
	return inode, errno
}

// Rmdir implements [fusefs.NodeRmdirer].
func (n *node) Rmdir(ctx context.Context, name string) syscall.Errno {
	errno := n.LoopbackNode.Rmdir(ctx, name)
	if errno == 0 {
		errno = n.disk.keep(func() error { return os.Remove(n.platter(name)) })
	}
	return errno
}

// Unlink implements [fusefs.NodeUnlinker].
func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	errno := n.LoopbackNode.Unlink(ctx, name)
	if errno == 0 {
		errno = n.disk.keep(func() error { return os.Remove(n.platter(name)) })
	}
	return errno
}

// Rename implements [fusefs.NodeRenamer]. What was not flushed under the old name
// is not there under the new one either.
func (n *node) Rename(ctx context.Context, name string, parent fusefs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	to, ok := parent.(*node)
	if !ok {
		return syscall.EXDEV
	}
	errno := n.LoopbackNode.Rename(ctx, name, to, newName, flags)
	if errno == 0 {
		errno = n.disk.keep(func() error { return os.Rename(n.platter(name), to.platter(newName)) })
	}
	return errno
}

// Create implements [fusefs.NodeCreater].
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fusefs.Inode, fusefs.FileHandle, uint32, syscall.Errno) {
	inode, handle, fuseFlags, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	errno = n.disk.keep(func() error { return os.WriteFile(n.platter(name), nil, 0o600) })
	made, ok := inode.Operations().(*node)
	if !ok {
		return nil, nil, 0, syscall.EIO
	}
	return inode, made.opened(handle, flags), fuseFlags, errno
}

// Open implements [fusefs.NodeOpener].
func (n *node) Open(ctx context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	handle, fuseFlags, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	return n.opened(handle, flags), fuseFlags, 0
}

// plain is what a file of the loopback file system can do.
type plain interface {
	fusefs.FileReader
	fusefs.FileWriter
	fusefs.FileFlusher
	fusefs.FileFsyncer
	fusefs.FileReleaser
	fusefs.FileGetattrer
	fusefs.FileSetattrer
	fusefs.FileLseeker
	fusefs.FileAllocater
}

// file is an open file.
type file struct {
	plain

	node *node
	sync bool // O_SYNC: each write is flushed
}

func (n *node) opened(handle fusefs.FileHandle, flags uint32) fusefs.FileHandle {
	p, ok := handle.(plain)
	if !ok {
		return handle
	}
	return &file{plain: p, node: n, sync: flags&(syscall.O_SYNC|syscall.O_DSYNC) != 0}
}

// Write implements [fusefs.FileWriter].
func (f *file) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	n, errno := f.plain.Write(ctx, data, off)
	if errno == 0 && f.sync {
		errno = f.node.disk.flush(f.node.path())
	}
	return n, errno
}

// Fsync implements [fusefs.FileFsyncer].
func (f *file) Fsync(context.Context, uint32) syscall.Errno {
	return f.node.disk.flush(f.node.path())
}
