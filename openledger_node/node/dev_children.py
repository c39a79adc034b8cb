"""Which child processes a dev network has, and with what they are started."""

import sys
from pathlib import Path

from genesis.networks import DEV_VALIDATOR
from openledger_node.client.account import dev_private_key
from openledger_node.config.model import DevConfig
from openledger_node.node.banner import DevUrls
from openledger_node.node.children import ChildProcess
from openledger_node.node.dev_network import GENESIS_FILE, ROLLUP_FILE
from openledger_node.node.keys import write_key

COMMAND = (sys.executable, "-m", "openledger_node")


def embedded_l1(config: DevConfig, directory: Path) -> ChildProcess:
    """The engine in plain-Ethereum mode."""
    command = [*COMMAND, "ethereum", "--dev", "--datadir", str(directory / "l1")]
    command += ["--http.port", str(config.l1.port), "--l1.block-time", str(config.l1.block_time)]
    return ChildProcess("l1", command, directory / "logs" / "l1.log", restart=True)


def verifier(config: DevConfig, urls: DevUrls, directory: Path) -> ChildProcess:
    """Gets the network's two files, the L1's URL and the validator's key, nothing else: it derives the chain,
    attests to it and disputes what differs."""
    key = write_key(directory / "keys" / "l1-validator.key", dev_private_key(DEV_VALIDATOR))
    command = [*COMMAND, "run", "--role", "validator", "--datadir", str(directory / "verifier")]
    command += ["--keys.validator", str(key)]
    command += ["--rollup.config", str(directory / ROLLUP_FILE)]
    command += ["--rollup.genesis", str(directory / GENESIS_FILE), "--l1.url", config.l1.url or urls.l1_rpc]
    if config.l1.trust:
        command += ["--l1.trust"]
    if config.l1.beacon is not None:
        command += ["--l1.beacon", config.l1.beacon]
    command += ["--http.port", str(config.verifier.port), "--metrics.port", "0"]
    if config.state_history is not None:
        command += ["--state-history", str(config.state_history)]
    return ChildProcess("verifier", command, directory / "logs" / "verifier.log", restart=True)


def validator(urls: DevUrls, directory: Path) -> ChildProcess:
    """Gets JSON-RPC, the published artefacts and its own key, nothing else."""
    key = write_key(directory / "keys" / "validator.key", dev_private_key(DEV_VALIDATOR))
    command = [*COMMAND, "run", "--role", "validator", "--datadir", str(directory / "validator")]
    command += ["--keys.validator", str(key), "--l2.url", urls.l2_rpc]
    command += ["--l2.artifacts", f"{urls.gateway}/artifacts", "--metrics.port", "0"]
    return ChildProcess("validator", command, directory / "logs" / "validator.log", restart=True)
