"""What must be true before a node starts; each refusal is one line that says what to do."""

import asyncio
import fcntl
import platform
import resource
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from openledger_node.errors import StartError

PORT_PATIENCE_S = 4.0
PORT_POLL_S = 0.1
LOCK_FILE = "lock"
MOST_FILES = 65_536
UNASSIGNED_PORTS = range(20_000, 32_768)
"""Below what systems give to outgoing connections, so that none takes a free port before it is bound."""


def assert_supported_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    """Raises StartError on 3.12, whose C stack cannot hold 1,024 nested EVM calls, and untested versions."""
    if version in ((3, 11), (3, 13)):
        return
    found = ".".join(map(str, version))
    reason = "it cannot run 1,024-deep EVM calls" if version == (3, 12) else "it is not tested"
    raise StartError(f"Python {found} is refused because {reason}", "use Python 3.11 or 3.13")


def assert_cpython() -> None:
    """Raises StartError on other interpreters."""
    if platform.python_implementation() != "CPython":
        raise StartError(f"{platform.python_implementation()} is not supported", "use CPython 3.11 or 3.13")


def raise_file_limit(most: int = MOST_FILES) -> int:
    """Let this process open as many files as the system grants it, at most `most`: every socket is one, and a
    node that has none left cannot read its database. Returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = most if hard == resource.RLIM_INFINITY else min(hard, most)
    if soft == resource.RLIM_INFINITY or soft >= granted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    return granted


async def await_ports(
    host: str, ports: Iterable[tuple[int, str]], patience_s: float = PORT_PATIENCE_S
) -> None:
    """Wait until every (port, flag) is free, for what a killed node may leave behind is still ending.

    Raises StartError as `assert_port_free` does.
    """
    deadline_s = time.monotonic() + patience_s
    for port, flag in ports:
        while True:
            try:
                assert_port_free(host, port, flag)
                break
            except StartError:
                if time.monotonic() >= deadline_s:
                    raise
                await asyncio.sleep(PORT_POLL_S)


def assert_port_free(host: str, port: int, flag: str) -> None:
    """Raises StartError naming the flag that moves the service when the port is taken; 0 is always free."""
    if port == 0:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"port {port} on {host} is not available ({error.strerror})",
                f"stop what uses it or choose another with {flag}",
            ) from None


def free_port(host: str) -> int:
    """A port that nothing uses and nothing is likely to get, for a process that binds it later."""
    while True:
        port = secrets.choice(UNASSIGNED_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port


@contextmanager
def node_directory(datadir: Path | None) -> Iterator[Path]:
    """The data directory, held, or a temporary one that ends with the node. Raises StartError."""
    if datadir is not None:
        with held_directory(datadir) as directory:
            yield directory
        return
    with tempfile.TemporaryDirectory(prefix="openledger-") as temporary:
        yield Path(temporary)


@contextmanager
def held_directory(directory: Path) -> Iterator[Path]:
    """Keep other nodes out of a data directory; a killed node holds nothing. Raises StartError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / LOCK_FILE).open("ab")
    except OSError as error:
        raise StartError(
            f"{directory} cannot be written ({error.strerror})", "choose another with --datadir"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"{directory} is in use by another node", "stop it or choose another with --datadir"
            ) from None
        yield directory.resolve()
