"""Runs a command with the SystemCallFilter of a unit, as systemd would: sandbox.py UNIT COMMAND [ARG]...

The file system, privileges and limits of resources are set before by the tools of util-linux; this is what they lack.
"""

import ctypes
import errno
import os
import subprocess
import sys

ALLOW = 0x7FFF0000
ERRNO_EPERM = 0x00050000 | errno.EPERM


def filters(unit):
    """The allowed calls: groups and names in their order, those behind ~ taken away."""
    allowed = members("@default")
    for line in open(unit, encoding="utf8"):
        key, _, value = line.strip().partition("=")
        if key != "SystemCallFilter":
            continue
        calls = set().union(*map(members, value.removeprefix("~").split()))
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


def members(name):
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    words = [line.strip() for line in listed.stdout.splitlines()[1:]]
    return set().union(*(members(word) for word in words if word and not word.startswith("#")))


def restrict(allowed):
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(ERRNO_EPERM)))
    for name in sorted(allowed):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            assert seccomp.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0) == 0, name
    assert seccomp.seccomp_load(context) == 0, os.strerror(ctypes.get_errno())


restrict(filters(sys.argv[1]))
os.execvp(sys.argv[2], sys.argv[2:])
