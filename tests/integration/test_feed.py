"""A sequencer with a feed and a follower: its unsafe head within a block time, and what the key is for."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from genesis.networks import DEV_BATCHER, DEV_PROPOSER
from openledger_node.client.account import dev_private_key
from openledger_node.node.keys import write_key
from tests.integration.network import DevNode, wait_until
from tests.integration.services import ask, ethereum, free_port, service

pytestmark = pytest.mark.slow
BLOCK_TIME_S = 1.0


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A network that was made and stopped: its L1's data, its two files, the sequencer's data."""
    node = DevNode(tmp_path / "network").start()
    node.close()
    return tmp_path / "network"


@contextmanager
def run(log: Path, l1_url: str, files: Path, data: Path, *arguments: str) -> Iterator[str]:
    """`openledger-node run`; yields its URL once it answers."""
    port = free_port()
    network = ["--rollup.config", str(files / "rollup.json"), "--rollup.genesis", str(files / "genesis.json")]
    common = ["run", *network, "--l1.url", l1_url, "--http.port", port, "--metrics.port", "0"]
    with service(log, *common, "--datadir", str(data), *arguments):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: ask(url, "eth_chainId"), "a node")
        yield url


def height(url: str) -> int:
    return int(ask(url, "eth_blockNumber"), 16)


def hash_at(url: str, number: int) -> Any:
    block = ask(url, "eth_getBlockByNumber", hex(number), False)
    return block and block["hash"]


def lag_s(sequencer: str, follower: str) -> float:
    """How long after the sequencer a follower has a new block."""
    number = height(sequencer) + 1
    wait_until(lambda: height(sequencer) >= number, "a new block", poll_s=0.01)
    start = time.monotonic()
    wait_until(lambda: hash_at(follower, number), "the same at the follower", poll_s=0.01)
    assert hash_at(follower, number) == hash_at(sequencer, number)
    return time.monotonic() - start


@pytest.mark.timeout(600)
def test_a_follower_has_every_block_within_a_block_time(files: Path, tmp_path: Path) -> None:
    keys = {
        name: str(write_key(tmp_path / f"{name}.key", dev_private_key(number)))
        for name, number in (("batcher", DEV_BATCHER), ("sequencer", DEV_PROPOSER), ("stranger", 5))
    }
    feed, relay_feed = free_port(), free_port()
    with ethereum(files / "l1") as l1_url, ExitStack() as nodes:
        sequencing = ["--role", "sequencer,batcher", "--keys.batcher", keys["batcher"], "--feed.port", feed]
        signed = [*sequencing, "--keys.sequencer", keys["sequencer"]]
        following = ["--role", "verifier", "--feed.url", f"ws://127.0.0.1:{feed}"]
        with run(tmp_path / "s1.log", l1_url, files, files / "node", *signed) as sequencer:
            follower = nodes.enter_context(
                run(tmp_path / "follower.log", l1_url, files, tmp_path / "follower", *following)
            )
            wait_until(lambda: height(follower) >= height(sequencer) > 5, "the follower at the head", 180)
            lags = sorted(lag_s(sequencer, follower) for _ in range(7))
            print(f"lag of the follower: median {lags[3]:.3f} s, most {lags[-1]:.3f} s")
            assert lags[3] < BLOCK_TIME_S
            relayed = ["--role", "verifier", "--feed.url", f"ws://127.0.0.1:{relay_feed}"]
            relaying = [*following, "--feed.relay", "--feed.port", relay_feed]
            with run(tmp_path / "relay.log", l1_url, files, tmp_path / "relay", *relaying) as relay:
                wait_until(lambda: height(relay) >= height(sequencer) - 1, "the relay at the head", 180)
                with run(tmp_path / "far.log", l1_url, files, tmp_path / "far", *relayed) as far:
                    wait_until(lambda: height(far) >= height(sequencer) - 1, "the relay's follower", 180)
                    lags = sorted(lag_s(sequencer, far) for _ in range(7))
                    print(f"lag behind a relay: median {lags[3]:.3f} s, most {lags[-1]:.3f} s")
                    assert lags[3] < BLOCK_TIME_S
        with run(tmp_path / "s2.log", l1_url, files, files / "node", *signed) as sequencer:
            wait_until(lambda: height(follower) >= height(sequencer) - 1, "the follower after a restart", 180)
            assert lag_s(sequencer, follower) < 5 * BLOCK_TIME_S
        stranger = [*sequencing, "--keys.sequencer", keys["stranger"]]
        with run(tmp_path / "s3.log", l1_url, files, files / "node", *stranger) as sequencer:
            wait_until(
                lambda: "feed message refused" in (tmp_path / "follower.log").read_text(), "a refusal", 120
            )
            reached = height(sequencer)
            wait_until(lambda: height(follower) >= reached, "what the L1 says, all the same", 180)
            assert hash_at(follower, reached) == hash_at(sequencer, reached)
