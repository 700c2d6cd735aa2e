"""What the canary runs in a child, exactly as a student's program would: it tries what must be refused, and says so.

Its text is sent, not imported. Nothing in here may harm a machine without any layer: a file that can be made is removed
at once, a fork ends at once, memory is only asked for, calls are chosen so that they fail after the permission check.
Each trial prints one line, so that a child that is killed on the way tells how far it came.
"""

import ctypes
import errno
import os
import resource
import signal
import socket
import stat
import sys
from collections.abc import Callable
from functools import partial

# "No" from a filter, a permission, a kernel without the call. Any other error comes after the check: the door is open.
NO = (errno.EPERM, errno.EACCES, errno.ENOSYS)
SYSCALLS = {  # Linux x86_64, and the common table that arm64 uses; those that libc has no function for
    "io_uring_setup": (425, 425), "bpf": (321, 280), "perf_event_open": (298, 241), "keyctl": (250, 219),
    "userfaultfd": (323, 282),
}  # fmt: skip
PTRACE_SEIZE, CLONE_NEWUSER, KEYRING_ID, SESSION_KEYRING = 0x4206, 0x1000_0000, 0, -3
PR_GET_NO_NEW_PRIVS = 39
libc = ctypes.CDLL(None, use_errno=True)


def tell(word: str, action: str, refused: bool) -> None:
    """Prints one trial. `word`: the layer that should refuse `action`, as the canary groups them."""
    print(f"TRIED\t{word}\t{'refused' if refused else 'allowed'}\t{action}")


def attempt(word: str, action: str, work: Callable[[], object]) -> None:
    """Any error is a refusal (a limit that may not be raised is a ValueError)."""
    try:
        work()
        refused = False
    except (OSError, ValueError):
        refused = True
    tell(word, action, refused)


def call(word: str, action: str, name: str, *arguments: object) -> None:
    """A system call that cannot succeed or does no harm: only an error of permission is a refusal."""
    ctypes.set_errno(0)
    if name in SYSCALLS:
        number = SYSCALLS[name][os.uname().machine != "x86_64"]
        result = libc.syscall(ctypes.c_long(number), *arguments)
    elif hasattr(libc, name):
        result = getattr(libc, name)(*arguments)
    else:
        return
    tell(word, action, result == -1 and ctypes.get_errno() in NO)


def reached(work: Callable[[], object]) -> bool:
    """Whether the kernel let it come so far that it failed for another reason than permission, or did not fail."""
    try:
        work()
    except OSError as error:
        return error.errno not in NO
    return True


def identity(grader: int) -> None:
    """The user: not the grader's (a number), and no way back to it."""
    ids = os.getresuid() if hasattr(os, "getresuid") else (os.getuid(), os.geteuid())
    tell("uid", "run as the grader's user", grader not in ids)
    if grader not in ids:
        attempt("uid", "become the grader's user again", lambda: os.setuid(grader))
        attempt("uid", "become root", lambda: os.setuid(0))
        attempt("uid", "join root's group", lambda: os.setgroups([0]))


def limits() -> None:
    """Resource limits that are set and cannot be raised, and no rights from setuid programs."""
    wanted = {"CORE": 0, "NOFILE": 4096, "FSIZE": 1 << 30, "CPU": 3600}
    if sys.platform.startswith("linux"):
        wanted["AS"] = 1 << 40
    for name, most in wanted.items():
        hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
        tell("rlimits", f"use more than {most} of RLIMIT_{name}", hard != resource.RLIM_INFINITY and hard <= most)
    attempt("rlimits", "raise its own limits", lambda: resource.setrlimit(resource.RLIMIT_CORE, (1, 1)))
    if sys.platform.startswith("linux"):
        held = libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
        tell("no-new-privs", "gain rights from a setuid program", held)


def files(readable: str, folder: str) -> None:
    """The disk outside its scratch folder; the modes of `readable` and `folder` alone would let everyone in."""
    attempt("files", "read a file of the grader's that others may read", partial(look, readable))
    attempt("files", "list the top folder", partial(os.listdir, "/"))
    attempt("files", "read /etc/passwd", partial(look, "/etc/passwd"))
    attempt("files", "write outside its scratch folder", lambda: make(os.path.join(folder, "canary")))


def make(path: str) -> None:
    """Makes a new empty file and removes it. Raises OSError where that is refused."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink(path)


def secrets(paths: list[str]) -> None:
    """The grader's own files (a folder ends in a slash), and descriptors left open."""
    for path in paths:
        attempt("secrets", f"read {path}", partial(os.listdir if path.endswith(os.sep) else look, path))
        if not path.endswith(os.sep):
            attempt("secrets", f"change {path}", partial(look, path, "r+b"))
    doors = {int(entry.split("/")[4]) for entry in sys.path if entry.startswith("/proc/self/fd/")}
    extra = [number for number in range(4, 256) if number not in doors and is_open(number)]
    tell("secrets", f"use descriptors it was not given {extra or ''}".strip(), not extra)


def look(path: str, mode: str = "rb") -> None:
    """Opens, and neither reads nor writes."""
    open(path, mode).close()


def is_open(number: int) -> bool:
    """Whether a descriptor is held, or it cannot be told."""
    try:
        return stat.S_IFMT(os.fstat(number).st_mode) != 0
    except OSError as error:
        return error.errno != errno.EBADF


def tree(outside: int) -> None:
    """`outside`: the zygote's number where the grader is. In a process tree of our own it has another."""
    if sys.platform.startswith("linux"):
        tell("namespaces", "name processes of the grader", os.getppid() != outside)


def neighbours(pids: dict[str, int]) -> None:
    """The grader's processes: nothing is read, written or stopped; signal 0 only asks whether one might."""
    for who, pid in pids.items():
        attempt("memory", f"open the memory of the {who}", partial(look, f"/proc/{pid}/mem"))
        attempt("memory", f"read the environment of the {who}", partial(look, f"/proc/{pid}/environ"))
        if hasattr(libc, "process_vm_readv"):
            tell("memory", f"copy memory of the {who}", not copies(pid))
        attempt("signals", f"signal the {who}", partial(os.kill, pid, 0))
        if hasattr(os, "pidfd_open"):
            attempt("signals", f"hold the {who} by a pidfd and signal it", partial(by_descriptor, pid))


def copies(pid: int) -> bool:
    """Whether process_vm_readv got past the check: address 0 is mapped nowhere, so that it fails with EFAULT then."""
    vector = (ctypes.c_size_t * 2)(0, 1)
    ctypes.set_errno(0)
    libc.process_vm_readv(pid, ctypes.byref(vector), 1, ctypes.byref(vector), 1, 0)
    return ctypes.get_errno() in (0, errno.EFAULT)


def by_descriptor(pid: int) -> None:
    """Asks by a pidfd whether a signal might be sent, and sends none. Raises OSError where that is refused."""
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, 0)
    finally:
        os.close(descriptor)


def processes() -> None:
    """New processes and other programs."""
    attempt("processes", "fork", fork)
    # a path that is not there: what fails with "no such file" got past every filter
    tell("processes", "run a program", not reached(lambda: os.execv("/nonexistent", ["nonexistent"])))


def fork() -> None:
    """One fork that ends at once. Raises OSError where that is refused."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def network(tcp: int, path: str, abstract: str) -> None:
    """Every way out: a TCP port and UNIX sockets that really listen (0 or empty: there is none), and UDP."""
    if tcp:
        attempt("network", "connect to a TCP port of this machine", lambda: connect(socket.AF_INET, ("127.0.0.1", tcp)))
    attempt("network", "send UDP to this machine", lambda: datagram(("127.0.0.1", 9)))  # port 9: discard
    # 192.0.2.0/24 belongs to nobody (RFC 5737), and connecting a datagram socket sends nothing
    attempt("network", "find a way out for UDP", lambda: connect(socket.AF_INET, ("192.0.2.1", 9), socket.SOCK_DGRAM))
    if path:
        attempt("network", "connect to a UNIX socket", lambda: connect(socket.AF_UNIX, path))
    if abstract:
        attempt("network", "connect to an abstract UNIX socket", lambda: connect(socket.AF_UNIX, "\0" + abstract))


def connect(family: int, address: tuple[str, int] | str, kind: int = socket.SOCK_STREAM) -> None:
    """Connects and hangs up, within 0.2 s. Raises OSError where that is refused."""
    with socket.socket(family, kind) as client:
        client.settimeout(0.2)
        client.connect(address)


def datagram(address: tuple[str, int]) -> None:
    """Sends an empty datagram. Raises OSError where that is refused."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"", address)


def ipc() -> None:
    """Objects that are not there are asked for: "no such object" got past every filter."""
    call("ipc", "use System V shared memory", "shmget", 0x5EED_1D1D, 0, 0)
    call("ipc", "use System V semaphores", "semget", 0x5EED_1D1D, 0, 0)
    call("ipc", "use System V message queues", "msgget", 0x5EED_1D1D, 0)
    call("ipc", "use POSIX message queues", "mq_open", b"/canary-that-is-not-there", os.O_RDONLY)
    if sys.platform.startswith("linux"):
        attempt("ipc", "write to /dev/shm", lambda: make(f"/dev/shm/canary-{os.getpid()}"))
        attempt("ipc", "make a nameless file (memfd)", lambda: os.close(os.memfd_create("canary")))


def kernel(zygote: int) -> None:
    """Calls that no solution needs and that have been ways out of a process before (Linux alone)."""
    if not sys.platform.startswith("linux"):
        return
    with open("own", "w"):
        attempt("kernel", "change the mode of its own file", lambda: os.chmod("own", 0o700))
    attempt("kernel", "see the limits of the zygote", lambda: resource.prlimit(zygote, resource.RLIMIT_CORE))
    call("kernel", "trace a process", "ptrace", PTRACE_SEIZE, -1, None, None)
    call("kernel", "set up an io_uring", "io_uring_setup", 1, None)
    call("kernel", "load BPF", "bpf", 0, None, 0)
    call("kernel", "watch events (perf)", "perf_event_open", None, 0, -1, -1, 0)
    call("kernel", "use the kernel's keys", "keyctl", KEYRING_ID, SESSION_KEYRING, 0)
    call("kernel", "handle page faults itself", "userfaultfd", 0xFFFF)
    call("kernel", "make a user namespace", "unshare", CLONE_NEWUSER)  # last: it would change who we are


def main(grader: int, pids: dict[str, int], outside: int, readable: str, folder: str, secret: list[str], tcp: int,
         path: str, abstract: str) -> None:  # fmt: skip
    """Every trial in turn, one line each; DONE says that none was cut short."""
    identity(grader)
    limits()
    files(readable, folder)
    secrets(secret)
    tree(outside)
    neighbours(pids)
    processes()
    network(tcp, path, abstract)
    ipc()
    kernel(pids["zygote"])
    print("DONE")
