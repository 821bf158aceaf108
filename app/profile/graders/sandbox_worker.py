"""The child process that shuts itself in and then becomes the program; run as a script by `sandbox`.

It imports nothing of MoMA. Limits come first, then what Linux offers: no new privileges, an empty network of its own,
Landlock (files), seccomp (sockets, processes, signals to others). What cannot be had is written, a word each, to the
file descriptor that is given, and the parent decides beforehand whether that is enough.

    python -I sandbox_worker.py REPORT_FD CPU_SECONDS FOLDER [PROGRAM]

Without a program it only reports. man 7 landlock, man 2 seccomp, man 2 unshare.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys

MEMORY_BYTES, FILE_BYTES, FILES = 1 << 30, 16 << 20, 64
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _PARENT_DEATH = 38, 22, 1
_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_CREATE_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on every architecture
_READ = 0b1101
"""Landlock: execute, read a file, read a folder."""
_ALL = (1 << 13) - 1
"""Landlock's rights of its first version: those and all ways to write, make and remove."""
_DENIED = {
    "x86_64": (
        0xC000003E,
        # socket socketpair fork vfork kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo ptrace process_vm_*
        # setpriority sched_set{param,scheduler,affinity,attr} ioprio_set
        (41, 53, 57, 58, 62, 200, 234, 129, 297, 101, 310, 311, 141, 142, 144, 203, 314, 251),
        56,
        302,
        72,
    ),
    "aarch64": (
        0xC00000B7,
        (198, 199, 129, 130, 131, 138, 240, 117, 270, 271, 140, 118, 119, 122, 274, 30),
        220,
        261,
        25,
    ),
}
"""For each machine its name in seccomp, the system calls that are refused, the numbers of clone, prlimit and fcntl."""
_DENIED_EVERYWHERE = (424, 425, 426, 427, 434, 438)
"""pidfd_send_signal, io_uring's three (sockets by another door), pidfd_open, pidfd_getfd."""
_OWNERS = (8, 10, 15)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX: what fcntl sends any process any signal by, when a pipe is written to."""
_CLONE3, _THREAD = 435, 0x10000
_ALLOW, _REFUSE, _ABSENT, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


def main() -> None:
    """Shut this process in, report what is open, and become the program."""
    report, seconds, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.umask(0o077)
    _limit(seconds)
    libc = ctypes.CDLL(None, use_errno=True)
    parts = {"network": _alone(libc), "files": _files(libc, folder), "processes": _calls(libc)}
    # Without sockets no network is needed to be safe from it, and the other way round.
    parts["network"] |= parts["processes"]
    os.write(report, " ".join(name for name, shut in parts.items() if not shut).encode() + b"\n")
    os.close(report)
    if len(sys.argv) > 4:
        os.chdir(folder)
        python = os.path.realpath(sys.executable)
        os.execve(  # noqa: S606 Python itself
            python, [python, "-I", "-S", "-B", sys.argv[4]], {"PYTHONHASHSEED": "0"}
        )


def _limit(seconds: int) -> None:
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NOFILE: FILES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            pass  # macOS has no limit of memory; the clock still holds


def _alone(libc: ctypes.CDLL) -> bool:
    if sys.platform != "linux":
        return False
    libc.prctl(_PARENT_DEATH, int(signal.SIGKILL))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0)


def _files(libc: ctypes.CDLL, folder: str) -> bool:
    """Let only `folder` be written, and only Python and its libraries be read beside it."""
    if sys.platform != "linux":
        return False
    handled = struct.pack("=Q", _ALL)
    rules = libc.syscall(_CREATE_RULESET, handled, len(handled), 0)
    if rules < 0:
        return False
    prefixes = {sys.base_prefix, sys.base_exec_prefix, os.path.realpath(sys.base_prefix)}
    readable = [*prefixes, "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache"]
    readable += ["/usr/share/zoneinfo", "/dev/urandom", "/dev/null"]
    done = _allow(libc, rules, folder, _ALL)
    for path in readable:
        if os.path.exists(path):
            _allow(libc, rules, path, _READ if os.path.isdir(path) else _READ & ~8)
    done &= libc.syscall(_RESTRICT, rules, 0) == 0
    os.close(rules)
    return bool(done)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> bool:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, place)
        return bool(libc.syscall(_ADD_RULE, rules, 1, rule, 0) == 0)
    finally:
        os.close(place)


def _calls(libc: ctypes.CDLL) -> bool:
    """Refuse sockets, new processes, signals to others and limits on them; threads stay."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _DENIED:
        return False
    name, denied, clone, prlimit, fcntl = _DENIED[machine]
    code = [
        *((0x20, 0, 0, 4), (0x15, 1, 0, name), (0x06, 0, 0, _KILL)),  # another machine's calls
        *((0x20, 0, 0, 0), (0x35, 0, 1, 0x40000000), (0x06, 0, 0, _REFUSE)),  # x32
        # glibc takes clone, whose flags a filter can read, where clone3 is absent.
        *((0x15, 0, 1, _CLONE3), (0x06, 0, 0, _ABSENT)),
    ]
    for number in (*denied, *_DENIED_EVERYWHERE):
        code += [(0x15, 0, 1, number), (0x06, 0, 0, _REFUSE)]
    # Each of these goes on to its arguments, and from there to the end: what follows reads the number of the call.
    code += [(0x15, 0, 4, clone), (0x20, 0, 0, 16), (0x45, 1, 0, _THREAD), (0x06, 0, 0, _REFUSE)]
    code += [(0x06, 0, 0, _ALLOW)]
    # Another's limit of processor time ends it as a signal would; 0 is this process.
    code += [(0x15, 0, 4, prlimit), (0x20, 0, 0, 16), (0x15, 1, 0, 0), (0x06, 0, 0, _REFUSE)]
    code += [(0x06, 0, 0, _ALLOW), (0x15, 0, 7, fcntl), (0x20, 0, 0, 24)]
    for command in _OWNERS:
        code += [(0x15, 0, 1, command), (0x06, 0, 0, _REFUSE)]
    code += [(0x06, 0, 0, _ALLOW)]
    filters = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    program = ctypes.create_string_buffer(
        struct.pack(
            "HxxxxxxP" if struct.calcsize("P") == 8 else "HxxP",
            len(code),
            ctypes.addressof(filters),
        )
    )
    return bool(libc.prctl(_SET_SECCOMP, 2, program, 0, 0) == 0)


if __name__ == "__main__":
    main()
