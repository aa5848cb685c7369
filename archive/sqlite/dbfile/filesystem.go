package dbfile

import "fmt"

// FileSystem is the kind of file system that an archive lies on.
type FileSystem struct {
	// Name is Linux's name for it, or the number of an unknown one. It is empty
	// where the system does not say.
	Name   string
	Safety Safety
}

// WriteAhead reports whether an archive on it gets a write-ahead log instead of a
// rollback journal. A log needs memory that all processes of the file share, so
// they must run on one machine: two machines would damage the archive.
// (https://www.sqlite.org/wal.html) An unknown file system gets the journal, which
// is slower and always right. A nameless one gets the log, SQLite's usual choice.
func (f FileSystem) WriteAhead() bool {
	return f.Safety == SafetyLocal || f.Safety == SafetyFleeting || f.Name == ""
}

// Safety is whether an archive is safe on a file system.
type Safety int

// The safeties.
const (
	SafetyUnknown  Safety = iota
	SafetyLocal           // on this machine, and permanent
	SafetyRemote          // several machines may use it, without shared memory
	SafetyUser            // FUSE: it depends on the program behind it
	SafetyFleeting        // lost when the machine or the container stops
)

// fileSystems are the f_type numbers of statfs(2). (Linux:
// include/uapi/linux/magic.h, and the file systems' own sources.)
var fileSystems = map[uint32]FileSystem{
	0x00003434: {"nilfs2", SafetyLocal},
	0x0000482b: {"hfsplus", SafetyLocal},
	0x00004d44: {"vfat", SafetyLocal},
	0x000072b6: {"jffs2", SafetyLocal},
	0x00009660: {"iso9660", SafetyLocal},
	0x0000ef53: {"ext4", SafetyLocal},
	0x15013346: {"udf", SafetyLocal},
	0x2011bab0: {"exfat", SafetyLocal},
	0x24051905: {"ubifs", SafetyLocal},
	0x2fc12fc1: {"zfs", SafetyLocal},
	0x3153464a: {"jfs", SafetyLocal},
	0x52654973: {"reiserfs", SafetyLocal},
	0x58465342: {"xfs", SafetyLocal},
	0x7366746e: {"ntfs3", SafetyLocal},
	0x73717368: {"squashfs", SafetyLocal},
	0x9123683e: {"btrfs", SafetyLocal},
	0xca451a4e: {"bcachefs", SafetyLocal},
	0xe0f5e1e2: {"erofs", SafetyLocal},
	0xf2f52010: {"f2fs", SafetyLocal},

	0x0000517b: {"smb", SafetyRemote},
	0x0000564c: {"ncp", SafetyRemote},
	0x00006969: {"nfs", SafetyRemote},
	0x00c36400: {"ceph", SafetyRemote},
	0x01021997: {"9p", SafetyRemote},
	0x01161970: {"gfs2", SafetyRemote},
	0x0bd00bd0: {"lustre", SafetyRemote},
	0x47504653: {"gpfs", SafetyRemote},
	0x5346414f: {"afs", SafetyRemote},
	0x6b414653: {"afs", SafetyRemote},
	0x7461636f: {"ocfs2", SafetyRemote},
	0x73757245: {"coda", SafetyRemote},
	0x786f4256: {"vboxsf", SafetyRemote},
	0xfe534d42: {"smb", SafetyRemote},
	0xff534d42: {"cifs", SafetyRemote},

	0x65735546: {"fuse", SafetyUser},

	0x01021994: {"tmpfs", SafetyFleeting},
	0x61756673: {"aufs", SafetyFleeting},
	0x794c7630: {"overlay", SafetyFleeting},
	0x858458f6: {"ramfs", SafetyFleeting},
}

// FileSystemOf returns the file system with that f_type.
func FileSystemOf(number uint32) FileSystem {
	if known, ok := fileSystems[number]; ok {
		return known
	}
	return FileSystem{Name: fmt.Sprintf("%#x", number)}
}
