"""A private /opt/ml for one process, by a user and a mount namespace; needs no root and leaves the host as it was.

Runs in the supervisor's forked child, so it imports nothing but the standard library and starts no thread.
"""

import ctypes
import os
import signal
from pathlib import Path

# https://man7.org/linux/man-pages/man2/unshare.2.html and mount.2.html
_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 1 << 18
_PR_SET_PDEATHSIG = 1

_OPT = Path("/opt")
_HOST_NAMES = Path("/etc/hosts")
CONTAINER_BASE = "/opt/ml"


def enter(ml_dir: Path, stage: Path, host_names: str) -> None:
    """Makes `ml_dir` this process's /opt/ml.

    Args:
        ml_dir: What /opt/ml shall be.
        stage: An empty directory; used where the host has no /opt/ml to mount on.
        host_names: A file that this process shall see as /etc/hosts; empty for the machine's own.

    Raises:
        OSError: The kernel or a policy forbids user namespaces.
    """
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    # The process is root inside, as in a container; outside it stays who it was.
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _check(libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount /")
    if host_names:
        _bind(libc, Path(host_names), _HOST_NAMES)
    if Path(CONTAINER_BASE).is_dir():
        _bind(libc, ml_dir, Path(CONTAINER_BASE))
        return
    _check(libc.mount(b"none", os.fsencode(stage), b"tmpfs", 0, None), "mount tmpfs")
    for entry in _OPT.iterdir() if _OPT.is_dir() else ():
        _mirror(libc, entry, stage / entry.name)
    (stage / "ml").mkdir()
    _bind(libc, ml_dir, stage / "ml")
    _bind(libc, stage, _OPT)


def die_with_parent(parent: int) -> None:
    """Lets the kernel kill this process when its parent dies; to be called after `enter`, which resets it."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def _mirror(libc: ctypes.CDLL, entry: Path, twin: Path) -> None:
    if entry.is_symlink():
        twin.symlink_to(entry.readlink())
        return
    if entry.is_dir():
        twin.mkdir()
    else:
        twin.touch()
    _bind(libc, entry, twin)


def _bind(libc: ctypes.CDLL, source: Path, target: Path) -> None:
    _check(libc.mount(os.fsencode(source), os.fsencode(target), None, _MS_BIND | _MS_REC, None), f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
