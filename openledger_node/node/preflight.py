"""What must be true before a node starts; each refusal is one line that says what to do."""

import platform
import socket
import sys

from openledger_node.errors import StartError


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
