# SPDX-License-Identifier: Apache-2.0
"""Takes from a killed server's folder what a power cut would have taken: every byte of the
write-ahead log that no sync had covered. SIGKILL alone leaves the page cache in place, so without
this a server that never syncs would pass.

The server tells how far each log was synced, in `<base>/<node>/wal-synced` (README.md beside this
file: the contract). A log that the file does not name was never synced and loses everything.
Nothing but `*.log` is touched: tables and manifests are synced by the store when it makes them.

`Rollback` is for developing the harness against a server that keeps no such record.
"""
import os
import pathlib
import shutil

RECORD = "wal-synced"


class NoRecord(Exception):
    """The server did not say what it has synced, so nothing can be taken away honestly."""


def synced_sizes(node_dir):
    """The last size recorded per file name. A line without its newline was cut by the kill."""
    record = pathlib.Path(node_dir) / RECORD
    sizes = {}
    if not record.exists():
        return None
    for line in record.read_text().splitlines(keepends=True):
        if not line.endswith("\n"):
            continue
        name, size = line.rsplit(" ", 1)
        sizes[pathlib.PurePosixPath(name.strip()).name] = int(size)
    return sizes


def lose_unsynced(base, node):
    """Takes from the logs under `base/node` what was written and not synced; returns the bytes taken.

    The server writes zeros ahead of the end of a log, and syncs them, so a power cut may leave zeros
    or nothing: both are done, by whether the size to keep is odd.

    REQUIRES: the server is dead.
    """
    node_dir = pathlib.Path(base) / node
    if not node_dir.exists():
        return 0  # killed before it made its folder
    logs = sorted(node_dir.rglob("*.log"))
    sizes = synced_sizes(node_dir)
    if sizes is None:
        if any(log.stat().st_size for log in logs):
            raise NoRecord(f"{RECORD} is missing beside a log that is not empty")
        sizes = {}
    taken = 0
    for log in logs:
        size, keep = log.stat().st_size, sizes.get(log.name, 0)
        with open(log, "rb") as file:
            file.seek(keep)
            taken += len(file.read().rstrip(b"\0"))
        os.truncate(log, keep)
        if keep % 2 and size > keep:
            os.truncate(log, size)
    return taken


class Rollback:
    """Loses everything since the kill before last, by putting the folder of that time back."""

    def __init__(self, base):
        self.base, self.kept = pathlib.Path(base), pathlib.Path(f"{base}-kept")

    def lose(self):
        """REQUIRES: the server is dead. Returns the bytes the folder held."""
        taken = sum(f.lstat().st_size for f in self.base.rglob("*") if f.is_file())
        if self.kept.exists():
            shutil.rmtree(self.base)
            shutil.copytree(self.kept, self.base, ignore=_sockets)
        else:
            shutil.copytree(self.base, self.kept, ignore=_sockets)
        return taken


def _sockets(folder, names):
    return [name for name in names if (pathlib.Path(folder) / name).is_socket()]
