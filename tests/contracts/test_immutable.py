"""Nobody can change the L1 contracts: they delegate to nobody, destroy nothing, and one owner sets parameters
(docs/decisions/0008)."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from eth_abi.abi import encode

from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.types import Address
from rollup_bridge.deploy import ARTIFACTS, Deployment
from tests.contracts.machine import Machine
from tests.contracts.rollup import BATCHER, DEPLOYER, OWNER, Rollup, account, deploy

NO_CONTRACT = {"deployer", "batch_inbox"}
FORBIDDEN = {0xF2: "CALLCODE", 0xF4: "DELEGATECALL", 0xFF: "SELFDESTRUCT"}
PROXY_SLOTS = [
    int.from_bytes(keccak256(name), "big") - 1
    for name in (b"eip1967.proxy.implementation", b"eip1967.proxy.admin", b"eip1967.proxy.beacon")
]
OWNERS_FUNCTIONS = {
    "setBatcherHash(bytes32)",
    "setGasConfigEcotone(uint32,uint32)",
    "setGasLimit(uint64)",
    "setUnsafeBlockSigner(address)",
    "transferOwnership(address)",
    "renounceOwnership()",
}
OWNERSHIP = {"owner", "admin", "upgradeTo", "upgradeToAndCall", "initialize", "pause", "setImplementation"}


@pytest.fixture(scope="module")
def rollup() -> Rollup:
    return deploy(Machine())


def contracts() -> list[str]:
    return [field.name for field in fields(Deployment) if field.name not in NO_CONTRACT]


def instructions(code: bytes) -> Iterator[int]:
    """Opcodes of runtime code, without what it pushes and without the compiler's metadata at its end."""
    end = len(code) - 2 - int.from_bytes(code[-2:], "big")
    at = 0
    while at < end:
        yield code[at]
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)


@pytest.mark.parametrize("name", contracts())
def test_no_code_can_replace_a_contracts_code(rollup: Rollup, name: str) -> None:
    address: Address = getattr(rollup.at, name)
    code = rollup.machine.state.get_code(address)
    assert len(code) > 100
    assert {FORBIDDEN[opcode] for opcode in instructions(code) if opcode in FORBIDDEN} == set()
    for slot in PROXY_SLOTS:
        assert rollup.machine.storage_at(address, slot) == 0


def test_only_the_system_configuration_has_an_owner() -> None:
    for path in sorted(ARTIFACTS.glob("*.json")):
        if path.stem in {"sources", "SystemConfig"}:
            continue
        names = {entry.get("name") for entry in read_artifact(ARTIFACTS, path.stem).abi}
        assert not names & OWNERSHIP, path.stem


def test_what_the_owner_may_do_is_this_and_no_more(rollup: Rollup) -> None:
    refused = set()
    for entry in read_artifact(ARTIFACTS, "SystemConfig").abi:
        if entry["type"] != "function" or entry["stateMutability"] in {"view", "pure"}:
            continue
        kinds = [each["type"] for each in entry["inputs"]]
        text = f"{entry['name']}({','.join(kinds)})"
        with rollup.machine.rolled_back():
            data = keccak256(text.encode())[:4] + encode(kinds, [_some(kind) for kind in kinds])
            outcome = rollup.machine.transact(account(0x5742), rollup.at.system_config, data)
        if outcome.output[:4] == keccak256(b"OwnableUnauthorizedAccount(address)")[:4]:
            refused.add(text)
    assert refused == {*OWNERS_FUNCTIONS, "acceptOwnership()"}


def _some(kind: str) -> Any:
    return BATCHER if kind == "address" else bytes(12) + BATCHER if kind == "bytes32" else 1


def test_an_owner_cannot_touch_what_is_locked(rollup: Rollup) -> None:
    """Not even with the deployer's help."""
    before = rollup.balance(rollup.at.open_vault)
    for powerful in (OWNER, DEPLOYER):
        for signature, arguments in (
            ("pay(address,uint256)", [powerful, 1]),
            ("recordDeposit(uint256)", [1]),
            ("transfer(address,uint256)", [powerful, 1]),
        ):
            kinds = signature[signature.index("(") + 1 : -1].split(",")
            data = keccak256(signature.encode())[:4] + encode(kinds, arguments)
            with rollup.machine.rolled_back():
                assert not rollup.machine.transact(powerful, rollup.at.open_vault, data).ok
    assert rollup.balance(rollup.at.open_vault) == before
