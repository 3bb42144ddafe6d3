"""Reconstructs a disk after a power cut, from the write log of QEMU's blklogwrites."""
import os, shutil, struct

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4


def drive(image, log):
    """QEMU options for a `disk` with the image, whose writes and flushes are logged."""
    open(log, "wb").close()
    return ["-blockdev", f"driver=file,node-name=content,filename={image}", "-blockdev", f"driver=file,node-name=log,filename={log}",
            "-blockdev", "driver=blklogwrites,node-name=disk,file=content,log=log,log-sector-size=512"]


def entries(log):
    """(offset on the disk, bytes, flags, data's place in the log, end of the entry), in order; omits an incomplete last entry."""
    found, size = [], os.path.getsize(log)
    with open(log, "rb") as file:
        at = SECTOR
        while at + SECTOR <= size:
            file.seek(at)
            sector, count, flags, _ = struct.unpack("<QQQQ", file.read(32))
            data = at + SECTOR
            end = data + (0 if flags & DISCARD else count * SECTOR)
            if end > size:
                break
            found.append((sector * SECTOR, count * SECTOR, flags, data, end))
            at = end
    return found


def disk_after_cut(base, log, logged, cut, chance, target, heeds_flushes=True):
    """The disk after a power cut at entry `cut`: each write that no flush made durable may be missing."""
    shutil.copyfile(base, target)
    last_flush = max((i for i in range(cut) if logged[i][2] & FLUSH), default=-1)
    with open(log, "rb") as source, open(target, "r+b") as disk:
        for i, (offset, count, flags, data, _) in enumerate(logged[:cut]):
            if count == 0 or flags & DISCARD:
                continue
            durable = (i <= last_flush or flags & FUA) if heeds_flushes else i < cut - 200
            if durable or chance.random() < 0.5:
                source.seek(data)
                disk.seek(offset)
                disk.write(source.read(count))
