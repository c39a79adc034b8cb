"""A disk that takes no more while the node works: it stops with one line, and goes on where it was."""

import resource
import subprocess
import time
from pathlib import Path

from tests.integration.network import COMMAND, wait_until
from tests.integration.services import ENVIRONMENT, ask, free_port, service

BLOCK_BYTES = 2_000


def _arguments(datadir: Path, port: str) -> list[str]:
    return ["ethereum", "--dev", "--l1.block-time", "1", "--datadir", str(datadir), "--http.port", port]


def _head(url: str) -> dict[str, str]:
    found: dict[str, str] = ask(url, "eth_getBlockByNumber", "latest", False)
    return found


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    datadir, port = tmp_path / "node", free_port()
    url, seen = f"http://127.0.0.1:{port}", {}
    with subprocess.Popen(
        [str(COMMAND), *_arguments(datadir, port)], stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as node:
        wait_until(lambda: ask(url, "eth_chainId"), "a node")
        log = max((datadir / "chain").glob("*.log"))
        room = log.stat().st_size + 3 * BLOCK_BYTES
        resource.prlimit(
            node.pid, resource.RLIMIT_FSIZE, (room, room)
        )  # writes fail beyond, as on a full disk
        while node.poll() is None:
            if (head := _head(url)) is not None:
                seen[head["number"]] = head["hash"]
            time.sleep(0.1)
        assert node.stderr is not None
        said = node.stderr.read().decode()
    assert node.returncode == 1
    assert "Traceback" not in said
    assert "error: the database cannot be written" in said.splitlines()[-1]
    assert "make room" in said
    checked = subprocess.run(
        [str(COMMAND), "db", "check", "--full", "--datadir", str(datadir)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    with service(tmp_path / "again.log", *_arguments(datadir, port)):
        wait_until(lambda: ask(url, "eth_chainId"), "the node again")
        for number, block_hash in seen.items():
            assert ask(url, "eth_getBlockByNumber", number, False)["hash"] == block_hash
        wait_until(
            lambda: int(_head(url)["number"], 16) > max(int(number, 16) for number in seen), "new blocks"
        )


def test_a_disk_with_less_room_than_asked_for(tmp_path: Path) -> None:
    arguments = [*_arguments(tmp_path, free_port()), "--min-free-disk", str(10**12)]
    done = subprocess.run(
        [str(COMMAND), *arguments], capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 1
    assert "are asked for: make room, choose another --datadir" in done.stderr.splitlines()[-1]
