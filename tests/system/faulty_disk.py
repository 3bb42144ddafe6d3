"""A file system with one file, `disk`, that misbehaves as a disk does: a loop device over it is the disk.

usage: faulty_disk.py FOLDER BYTES FAULT AT    FAULT: none, write-error, corrupt, gone; AT: from which byte on"""
import errno, os, sys

from fusepy import FUSE, FuseOSError, Operations

folder, size, fault, at = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])


class Disk(Operations):
    def __init__(self):
        self.data = bytearray(size)
        self.gone = False

    def getattr(self, path, handle=None):
        if path == "/":
            return dict(st_mode=0o040755, st_nlink=2)
        if path != "/disk":
            raise FuseOSError(errno.ENOENT)
        return dict(st_mode=0o100600, st_size=size, st_nlink=1)

    def readdir(self, path, handle):
        return [".", "..", "disk"]

    def open(self, path, flags):
        return 3

    def read(self, path, count, offset, handle):
        if self.gone:
            raise FuseOSError(errno.ENODEV)
        return bytes(self.data[offset:offset + count])

    def write(self, path, data, offset, handle):
        reached = offset <= at < offset + len(data)
        self.gone = self.gone or (reached and fault == "gone")
        if self.gone:
            raise FuseOSError(errno.ENODEV)
        if reached and fault == "write-error":
            raise FuseOSError(errno.EIO)
        self.data[offset:offset + len(data)] = data
        if reached and fault == "corrupt":
            self.data[at] ^= 1
        return len(data)

    def fallocate(self, path, mode, offset, length, handle):
        raise FuseOSError(errno.EOPNOTSUPP)

    def fsync(self, path, data_only, handle):
        return 0


FUSE(Disk(), folder, foreground=True, nothreads=True)
