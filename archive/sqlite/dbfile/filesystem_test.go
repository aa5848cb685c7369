package dbfile

import "testing"

func TestFileSystemOf(t *testing.T) {
	for number, want := range map[uint32]FileSystem{
		0x0000ef53: {"ext4", SafetyLocal},
		0x58465342: {"xfs", SafetyLocal},
		0x9123683e: {"btrfs", SafetyLocal},
		0x00006969: {"nfs", SafetyRemote},
		0x0000517b: {"smb", SafetyRemote},
		0xff534d42: {"cifs", SafetyRemote},
		0xfe534d42: {"smb", SafetyRemote},
		0x01021997: {"9p", SafetyRemote},
		0x65735546: {"fuse", SafetyUser},
		0x01021994: {"tmpfs", SafetyFleeting},
		0x794c7630: {"overlay", SafetyFleeting},
		0x12345678: {"0x12345678", SafetyUnknown},
	} {
		if got := FileSystemOf(number); got != want {
			t.Errorf("%#x: got %v, want %v", number, got, want)
		}
	}
}

func TestWriteAheadIsForOneMachine(t *testing.T) {
	for number, want := range map[uint32]bool{
		0x0000ef53: true,  // ext4
		0x01021994: true,  // tmpfs
		0x794c7630: true,  // overlay
		0x00006969: false, // nfs
		0xff534d42: false, // cifs
		0x01021997: false, // 9p
		0x5346414f: false, // afs
		0x01161970: false, // gfs2
		0x65735546: false, // fuse
		0x12345678: false, // who knows
	} {
		if got := FileSystemOf(number).WriteAhead(); got != want {
			t.Errorf("%#x: %t", number, got)
		}
	}
	if !(FileSystem{}).WriteAhead() {
		t.Error("not even where no file system can be told")
	}
}
