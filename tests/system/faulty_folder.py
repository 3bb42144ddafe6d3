"""A file system that shows another folder, and misbehaves as long as a file says so. One call at a time, as one disk does.

usage: faulty_folder.py MOUNT FOLDER FAULT    FAULT: a file that says nothing (no fault), `hang` (no call ends),
`slow SECONDS` (each change takes so long) or `error NUMBER` (each change fails so)"""
import os, pathlib, sys, time

from fusepy import FUSE, FuseOSError, Operations

mount, folder, fault = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])


def said():
    return (fault.read_text().split() if fault.exists() else []) or [""]


def call(changes):
    while said()[0] == "hang":
        time.sleep(0.02)
    kind, *number = said()
    if changes and kind == "slow":
        time.sleep(float(number[0]))
    if changes and kind == "error":
        raise FuseOSError(int(number[0]))


class Folder(Operations):
    def at(self, path):
        return folder + path

    def __call__(self, name, path, *rest):
        call(name in ("create", "write", "truncate", "rename", "unlink", "fsync", "fsyncdir", "mkdir"))
        return super().__call__(name, path, *rest)

    def getattr(self, path, handle=None):
        try:
            found = os.lstat(self.at(path))
        except OSError as error:
            raise FuseOSError(error.errno)
        return {name: getattr(found, name) for name in ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_mtime", "st_ctime", "st_atime")}

    def readdir(self, path, handle):
        return [".", "..", *os.listdir(self.at(path))]

    def open(self, path, flags):
        return os.open(self.at(path), flags & (os.O_ACCMODE | os.O_TRUNC))

    def create(self, path, mode, info=None):
        return os.open(self.at(path), os.O_RDWR | os.O_CREAT, mode)

    def read(self, path, count, offset, handle):
        return os.pread(handle, count, offset)

    def write(self, path, data, offset, handle):
        return os.pwrite(handle, data, offset)

    def truncate(self, path, length, handle=None):
        os.truncate(self.at(path), length)

    def rename(self, old, new):
        os.rename(self.at(old), self.at(new))

    def unlink(self, path):
        os.unlink(self.at(path))

    def release(self, path, handle):
        os.close(handle)

    def fsync(self, path, data_only, handle):
        return 0

    def fsyncdir(self, path, data_only, handle):
        return 0


FUSE(Folder(), mount, foreground=True, nothreads=True)
