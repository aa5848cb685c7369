package disk

import (
	"context"
	"fmt"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// foreign shows a directory as a FUSE of a remote file system does: its files have no
// shared memory (direct I/O), so a write-ahead log cannot work.
type foreign struct{ *fs.LoopbackNode }

func (f *foreign) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	if node, ok := child.(*fs.LoopbackNode); ok {
		return &foreign{node}
	}
	return child
}

func (f *foreign) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	handle, answer, errno := f.LoopbackNode.Open(ctx, flags)
	return handle, answer | fuse.FOPEN_DIRECT_IO, errno
}

func (f *foreign) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	node, handle, answer, errno := f.LoopbackNode.Create(ctx, name, flags, mode, out)
	return node, handle, answer | fuse.FOPEN_DIRECT_IO, errno
}

// mountForeign mounts a directory as foreign until unmount is called.
func mountForeign(directory, on string) (unmount func() error, err error) {
	root, err := fs.NewLoopbackRoot(directory)
	if err != nil {
		return nil, err
	}
	node, ok := root.(*fs.LoopbackNode)
	if !ok {
		return nil, fmt.Errorf("go-fuse's loopback is a %T", root)
	}
	server, err := fs.Mount(on, &foreign{node}, &fs.Options{MountOptions: fuse.MountOptions{
		DirectMountStrict: true, FsName: "foreign", Name: "heapstash",
		// The kernel would use the files behind it.
		DisabledCapabilities: fuse.CAP_PASSTHROUGH,
	}})
	if err != nil {
		return nil, err
	}
	return server.Unmount, nil
}
