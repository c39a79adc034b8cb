"""A demo pointed at the wrong place says so at once, in one line that names the flag."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.integration.network import COMMAND, DevNode

NOBODY = "http://127.0.0.1:1"


def refused(*arguments: str) -> str:
    """What a demo that cannot run prints; it must exit with 1 and one line."""
    command = [str(COMMAND), "demo", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert done.stderr.startswith("error: ")
    return done.stderr


class Page(BaseHTTPRequestHandler):
    """Something that listens and is no node."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    do_GET = do_POST  # noqa: N815 - the names that the base class calls

    def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def web_page() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_without_a_node() -> None:
    error = refused("--rpc", NOBODY, "--l1", NOBODY, "--gateway", NOBODY)
    assert (
        f"no node answers at {NOBODY}: start a network with `openledger-node dev` or correct --rpc" in error
    )


def test_with_something_else_on_the_port() -> None:
    with web_page() as url:
        assert "correct --rpc" in refused("--rpc", url, "--l1", url, "--gateway", url)


@pytest.mark.parametrize(
    ("rpc", "l1", "gateway", "complaint"),
    [
        ("l1", "l1", "gateway", "is not an OpenLedger L2"),
        ("gateway", "l1", "gateway", "correct --rpc"),
        ("rpc", "rpc", "gateway", "the L2 lives on chain 31337: start a network"),
        ("rpc", "metrics", "gateway", "correct --l1"),
        ("rpc", "l1", "rpc", "correct --gateway"),
        ("rpc", "l1", "metrics", "correct --gateway"),
    ],
)
def test_with_a_wrong_port(demo_node: DevNode, rpc: str, l1: str, gateway: str, complaint: str) -> None:
    urls = [demo_node.url(name) for name in (rpc, l1, gateway)]
    assert complaint in refused("--rpc", urls[0], "--l1", urls[1], "--gateway", urls[2])
