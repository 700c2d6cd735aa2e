"""The way into a container, as Docker makes one: what a new process does between its start and the command it becomes.

Why separate: it runs as a process of its own, which gives up what it has step by step and becomes the command that was
asked for. It goes by itself into its control groups, then into namespaces of its own; mounts the tree, with a layer on
top that takes what is written; keeps Docker's capabilities alone, and has the calls refused that Docker refuses.
What cannot be had ends it with NO_CONTAINER and one line that says why: the command then never ran.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

NO_CONTAINER = 125

# sched.h, mount.h, prctl.h
NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET = 0x2_0000, 0x0400_0000, 0x0800_0000, 0x2000_0000, 0x4000_0000
READONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 0x1000, 0x4000, 1 << 18
DETACH = 2
DEATH_SIGNAL, DROP_BOUND, SUBREAPER = 1, 24, 36
INTERFACE_FLAGS, UP = 0x8914, 1

# Docker's default capabilities, by their numbers in capability.h.
KEPT = {
    "chown": 0, "dac_override": 1, "fowner": 3, "fsetid": 4, "kill": 5, "setgid": 6, "setuid": 7, "setpcap": 8,
    "net_bind_service": 10, "net_raw": 13, "sys_chroot": 18, "mknod": 27, "audit_write": 29, "setfcap": 31,
}  # fmt: skip
# What Docker's seccomp profile refuses to a container without CAP_SYS_ADMIN, of what matters to a grader.
REFUSED = (
    "unshare", "setns", "mount", "umount2", "pivot_root", "bpf", "perf_event_open", "keyctl", "add_key", "request_key",
    "open_by_handle_at", "userfaultfd", "swapon", "swapoff", "reboot", "init_module", "finit_module", "delete_module",
    "kexec_load", "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr", "quotactl", "acct", "syslog",
)  # fmt: skip
NEW_SPACES = 0x7E02_0000  # the flags of clone that Docker's profile refuses
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


class Layer(msgspec.Struct, frozen=True):
    """A folder that holds what one layer changes of those below, a scratch folder of the kernel's, and where the whole
    is then seen.
    """

    upper: str
    work: str
    root: str


def layer(place: Path) -> Layer:
    """The layer in a folder, whose three folders are made if they are not there."""
    for name in ("upper", "work", "root"):
        (place / name).mkdir(parents=True, exist_ok=True)
    return Layer(*(str(place / name) for name in ("upper", "work", "root")))


class Order(msgspec.Struct, frozen=True):
    """What is to run, and in what. `layers`: of the container's files, the lowest first; nothing is written to them but
    to the last. `shown`: (what of the machine, where it is seen in the container), read-only. Without layers: no
    container, only the groups.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    groups: tuple[str, ...] = ()
    cores: tuple[int, ...] = ()
    tree: str = ""
    layers: tuple[Layer, ...] = ()
    shown: tuple[tuple[str, str], ...] = ()
    network: bool = False
    folder: str = "/"


def main(text: str) -> NoReturn:
    """Carries out an order; ends as its command does."""
    order = msgspec.json.decode(text, type=Order)
    status = NO_CONTAINER
    try:
        _call("prctl", DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        for group in order.groups:
            (Path(group) / "cgroup.procs").write_text(str(os.getpid()))
        if order.cores:
            os.sched_setaffinity(0, order.cores)
        if not order.layers:
            _plain(order)
        _call("unshare", NEWNS | NEWUTS | NEWIPC | NEWPID | (0 if order.network else NEWNET))
        first = os.fork()
        if first == 0:
            _first(order)
        status = _ended(first)
    except OSError as error:
        print(f"container: {error.strerror or error}", file=sys.stderr)
    os._exit(status)


def _plain(order: Order) -> NoReturn:
    """Without a container: what the command leaves running becomes ours, and ends with it."""
    _call("prctl", SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        os.chdir(order.folder)
        os.execve(order.command[0], order.command, order.environment)
    status = _ended(child)
    with contextlib.suppress(ChildProcessError):
        while left := Path("/proc/thread-self/children").read_text().split():
            for pid in left:  # children of ours that were not waited for: their numbers are nobody else's
                os.kill(int(pid), signal.SIGKILL)
            os.wait()
    os._exit(status)


def _first(order: Order) -> NoReturn:
    """The first process of the container: furnishes it, starts the command, and buries whatever is orphaned in it."""
    status = NO_CONTAINER
    try:
        _call("prctl", DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        _furnish(order)
        _give_up()
        child = os.fork()
        if child == 0:
            os.chdir(order.folder)
            os.execve(order.command[0], order.command, order.environment)
        status = _ended(child)
    except OSError as error:
        print(f"container: {error.strerror or error}", file=sys.stderr)
    os._exit(status)


def _ended(child: int) -> int:
    """Waits for a child, and for every orphan that comes to us meanwhile; its exit status as a shell says it."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _furnish(order: Order) -> None:
    root = order.tree
    _mount("none", "/", "", RECURSIVE | PRIVATE)
    for one in order.layers:  # one on the other: the kernel takes no list of layers of which one lies within another
        last = one is order.layers[-1]
        folders = f"lowerdir={root},upperdir={one.upper},workdir={one.work}"
        _mount("overlay", one.root, "overlay", 0 if last else READONLY, folders)
        root = one.root
    for path, seen in order.shown:
        place = Path(root + seen)
        place.parent.mkdir(parents=True, exist_ok=True)
        if Path(path).is_dir():
            place.mkdir(exist_ok=True)
        else:
            place.unlink(missing_ok=True)
            place.touch()
        _mount(path, str(place), "", BIND)
        _mount("none", str(place), "", REMOUNT | BIND | READONLY)
    for name in ("proc", "sys", "dev", "tmp"):
        Path(root, name).mkdir(exist_ok=True)
    _devices(Path(root, "dev"))
    _mount("/sys", f"{root}/sys", "", BIND | RECURSIVE)
    with contextlib.suppress(OSError):
        _mount("none", f"{root}/sys", "", REMOUNT | BIND | READONLY)
    _mount("proc", f"{root}/proc", "proc", NOSUID | NODEV | NOEXEC)
    _enter(root)
    _mount("/proc/sys", "/proc/sys", "", BIND)
    _mount("none", "/proc/sys", "", REMOUNT | BIND | READONLY | NOSUID | NODEV | NOEXEC)
    if not order.network:
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, INTERFACE_FLAGS, struct.pack("16sH14s", b"lo", UP, b""))


def _devices(place: Path) -> None:
    """A few harmless ones, and 64 MB of shared memory, as Docker has it."""
    _mount("tmpfs", str(place), "tmpfs", NOSUID | NOEXEC, "mode=755,size=64k")
    for name in DEVICES:
        (place / name).touch()
        _mount(f"/dev/{name}", str(place / name), "", BIND)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (place / name).symlink_to(target)
    (place / "shm").mkdir()
    _mount("tmpfs", str(place / "shm"), "tmpfs", NOSUID | NODEV | NOEXEC, "mode=1777,size=64m")
    (place / "pts").mkdir()
    with contextlib.suppress(OSError):
        _mount("devpts", str(place / "pts"), "devpts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
        (place / "ptmx").symlink_to("pts/ptmx")


def _enter(root: str) -> None:
    """The mounted tree becomes the root, and the machine's own is out of reach."""
    os.chdir(root)
    number = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, f"no pivot_root is known for {os.uname().machine}")
    _call("syscall", number, b".", b".")
    _call("umount2", b".", DETACH)
    os.chdir("/")


def _give_up() -> None:
    """What Docker takes from root: capabilities beyond its list, and calls that make or join namespaces."""
    _refuse_calls()
    for number in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1):
        if number not in KEPT.values():
            _call("prctl", DROP_BOUND, number, 0, 0, 0)
    kept = sum(1 << number for number in KEPT.values())
    header = (ctypes.c_uint32 * 2)(0x2008_0522, 0)
    _call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)))


def _refuse_calls() -> None:
    try:
        import pyseccomp as library
    except Exception:  # no libseccomp here: without CAP_SYS_ADMIN the kernel refuses most of them anyway
        return
    calls = library.SyscallFilter(library.ALLOW)
    calls.set_attr(library.Attr.CTL_NNP, 0)  # Docker lets set-user-id programs work
    refused = library.ERRNO(errno.EPERM)
    for name in REFUSED:
        with contextlib.suppress(Exception):  # a call that this libseccomp does not know
            calls.add_rule(refused, name)
    for bit in range(32):
        if NEW_SPACES >> bit & 1:
            calls.add_rule(refused, "clone", library.Arg(0, library.MASKED_EQ, 1 << bit, 1 << bit))
    calls.add_rule(library.ERRNO(errno.ENOSYS), "clone3")
    calls.load()


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    try:
        _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode() or None)
    except OSError as error:
        raise OSError(error.errno, f"mounting {kind or source} at {target}: {os.strerror(error.errno or 0)}") from None


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def words(order: Order) -> Sequence[str]:
    """The command line that carries out an order."""
    start = f"import sys; from {__name__} import main; main(sys.argv[1])"
    return (sys.executable, "-c", start, msgspec.json.encode(order).decode())


_libc = ctypes.CDLL(None, use_errno=True)
