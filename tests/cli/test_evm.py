"""`evm statetest` and `evm blocktest`: lines, exit codes, folders, and cases that must not pass."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from genesis.forks import Fork, ForkSchedule
from genesis.keccak import keccak256
from genesis.spec import ChainSpec, FeeParameters
from genesis.types import Address, Hash32
from openledger_node.chain.genesis import genesis_block
from openledger_node.cli.main import main
from openledger_node.evm.allocation import materialise
from openledger_node.evm.blocks import encode_block
from openledger_node.evm.engine import Engine
from openledger_node.evm.fixtures.block_tests import block_cases
from openledger_node.evm.fixtures.forks import schedule_of
from openledger_node.evm.fixtures.reading import allocation
from openledger_node.evm.fixtures.state_tests import state_cases
from openledger_node.evm.records import BlockInputs, Header
from openledger_node.evm.rlp_codec import encode
from openledger_node.storage.keyvalue import MemoryKeyValue

SENDER = Account.from_key(b"\x01" * 32)
RECIPIENT = "0x" + "ee" * 20
COINBASE = "0x" + "c0" * 20
NO_LOGS = "0x" + keccak256(encode([])).hex()
ENVIRONMENT = {
    "currentBaseFee": "0x0a",
    "currentCoinbase": COINBASE,
    "currentDifficulty": "0x00",
    "currentExcessBlobGas": "0x00",
    "currentGasLimit": "0x1c9c380",
    "currentNumber": "0x01",
    "currentRandom": "0x" + "07" * 32,
    "currentTimestamp": "0x03e8",
}
PRE = {
    SENDER.address.lower(): {"balance": "0x0de0b6b3a7640000", "nonce": "0x00", "code": "0x", "storage": {}}
}


def _transfer(**changes: Any) -> str:
    fields = {
        "chainId": 1,
        "nonce": 0,
        "to": bytes.fromhex(RECIPIENT[2:]),
        "value": 5,
        "gas": 21_000,
        "gasPrice": 12,
        **changes,
    }
    return "0x" + bytes(SENDER.sign_transaction(fields).raw_transaction).hex()


def _root(accounts: dict[str, Any]) -> str:
    return "0x" + materialise(allocation(accounts))[0].hex()


def _after(gas: int, value: int) -> dict[str, Any]:
    left = 10**18 - 12 * gas - value
    return {
        SENDER.address.lower(): {"balance": hex(left), "nonce": "0x01", "code": "0x", "storage": {}},
        RECIPIENT: {"balance": hex(value), "nonce": "0x00", "code": "0x", "storage": {}},
        COINBASE: {"balance": hex(2 * gas), "nonce": "0x00", "code": "0x", "storage": {}},
    }


def _state_fixture(**post: Any) -> dict[str, Any]:
    expected = {
        "hash": _root(_after(21_000, 5)),
        "logs": NO_LOGS,
        "txbytes": _transfer(),
        "indexes": {"data": 0, "gas": 0, "value": 0},
        **post,
    }
    return {"env": ENVIRONMENT, "pre": PRE, "transaction": {}, "post": {"Cancun": [expected]}}


def _refused_fixture() -> dict[str, Any]:
    return _state_fixture(
        hash=_root(PRE), txbytes=_transfer(nonce=7), expectException="NONCE_MISMATCH_TOO_HIGH"
    )


def _run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, list[dict[str, Any]], str]:
    monkeypatch.setattr(sys, "argv", ["openledger-node", "evm", *arguments])
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    output = capsys.readouterr()
    return code, [json.loads(line) for line in output.out.splitlines()], output.err


def test_state_tests_that_pass(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fixtures = {"transfer": _state_fixture(), "refused": _refused_fixture()}
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "cases.json").write_text(json.dumps(fixtures))
    code, lines, _ = _run(capsys, monkeypatch, "statetest", str(tmp_path))
    assert code == 0
    assert [line["name"] for line in lines] == ["transfer/d0g0v0", "refused/d0g0v0"]
    assert all((line["pass"], line["error"], line["fork"]) == (True, None, "Cancun") for line in lines)


@pytest.mark.parametrize(
    ("fixture", "complaint"),
    [
        (_state_fixture(hash="0x" + "11" * 32), "state root is 0x"),
        (_state_fixture(logs="0x" + "11" * 32), "hash of logs is 0x"),
        (_state_fixture(expectException="ANY"), "not refused, expected ANY"),
        (_state_fixture(txbytes=_transfer(nonce=7)), "refused: nonce too high"),
        (_state_fixture(txbytes="0x01"), "refused: "),
        (
            {**_state_fixture(), "post": {"Berlin2": _state_fixture()["post"]["Cancun"]}},
            "Berlin2 is not supported",
        ),
        ({**_state_fixture(), "env": {}}, "crashed: KeyError"),
        ({"env": ENVIRONMENT, "pre": PRE}, "the fixture has no post"),
        ({"pre": PRE, "post": _state_fixture()["post"]}, "the fixture has no env"),
        (
            {**_state_fixture(), "post": {"Cancun": [{"hash": "0x", "logs": "0x"}]}},
            "the fixture has no txbytes",
        ),
        ({"network": "Cancun", "blocks": []}, "run it with blocktest"),
    ],
)
def test_state_tests_that_fail(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fixture: dict[str, Any],
    complaint: str,
) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps({"bad": fixture, "good": _state_fixture()}))
    code, lines, _ = _run(capsys, monkeypatch, "statetest", str(file))
    assert code == 1
    assert [line["pass"] for line in lines] == [False, True]
    assert complaint in lines[0]["error"]


def test_only_one_fork(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fixture = _state_fixture()
    fixture["post"]["Shanghai"] = [{**fixture["post"]["Cancun"][0], "hash": "0x" + "11" * 32}]
    file = tmp_path / "case.json"
    file.write_text(json.dumps({"case": fixture}))
    assert _run(capsys, monkeypatch, "statetest", "--fork", "Cancun", str(file))[0] == 0
    assert _run(capsys, monkeypatch, "statetest", str(file))[0] == 1


@pytest.mark.parametrize("content", ["", "[]", "{", None])
def test_files_that_are_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "case.json"
    if content is not None:
        file.write_text(content)
    for command in ("statetest", "blocktest"):
        code, lines, error = _run(capsys, monkeypatch, command, str(file))
        assert (code, lines) == (1, [])
        assert error.startswith("error: ")
        assert error.count("\n") == 1


def test_no_file_is_bad_usage_and_no_fixture_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert _run(capsys, monkeypatch, "statetest")[0] == 2
    assert _run(capsys, monkeypatch, "blocktest", str(tmp_path))[0] == 1


# -- blockchain tests --------------------------------------------------------------------------------------


class _Parents:
    def __init__(self, genesis: Header) -> None:
        self.genesis = genesis

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return self.genesis


def _block_fixture() -> dict[str, Any]:
    """A chain of one block with a transfer in it, and after it the same block with a false gas used."""
    fees = FeeParameters(elasticity=2, denominator=8, minimum_base_fee_wei=0, initial_base_fee_wei=10)
    spec = ChainSpec(1, is_rollup=False, block_gas_limit=30_000_000, fees=fees)
    schedule = ForkSchedule(((0, Fork.CANCUN),))
    genesis = genesis_block(spec, allocation(PRE), 1_000, schedule)
    store = MemoryKeyValue()
    store.write(genesis.state_writes)
    parent = genesis.block.header
    inputs = BlockInputs(
        timestamp_s=1_002,
        prev_randao=Hash32(b"\x07" * 32),
        fee_recipient=Address(b"\xc0" * 20),
        gas_limit=30_000_000,
        parent_beacon_block_root=Hash32(bytes(32)),
        transactions=(bytes.fromhex(_transfer()[2:]),),
    )
    block = Engine(spec, store, _Parents(parent), {}, schedule).execute_block(parent, inputs).block
    false = replace(block.header, gas_used=21_001)
    return {
        "network": "Cancun",
        "pre": PRE,
        "genesisRLP": "0x" + encode_block(parent, ()).hex(),
        "sealEngine": "NoProof",
        "blocks": [
            {"rlp": "0x" + encode_block(block.header, inputs.transactions).hex()},
            {
                "rlp": "0x" + encode_block(false, inputs.transactions).hex(),
                "expectException": "INVALID_GAS_USED",
            },
            {"rlp": "0xc0", "expectException": "RLP_STRUCTURES_ENCODING"},
        ],
        "lastblockhash": "0x" + block.header.hash.hex(),
    }


def test_block_tests(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = _block_fixture()
    first, false, garbage = good["blocks"]
    expects = {"expectException": "ANY"}
    cases = {
        "good": (good, None),
        "refused": (
            {**good, "blocks": [first, {"rlp": false["rlp"]}]},
            "block 1: invalid header: gas_used is",
        ),
        "taken": ({**good, "blocks": [{**first, **expects}]}, "block 0: not refused, expected ANY"),
        "no block": ({**good, "blocks": [{"rlp": garbage["rlp"]}]}, "block 0: rlp"),
        "head": ({**good, "blocks": []}, "the head is 0x"),
        "state": ({**good, "pre": {}}, "state root of the first block"),
        "network": ({**good, "network": "Atlantis"}, "Atlantis is not supported"),
        "later": ({**good, "network": "OsakaToBPO1AtTime15k"}, "OsakaToBPO1AtTime15k is not supported"),
        "chain": ({**good, "config": {"chainid": "0x05"}}, "block 0: "),
        "empty": ({}, "the fixture has no network, genesisRLP, pre, blocks, lastblockhash"),
        "payloads": (
            {"network": "Prague", "engineNewPayloads": []},
            "blockchain_test_engine is not supported",
        ),
        "state test": (_state_fixture(), "run it with statetest"),
        "fields of tomorrow": ({**good, "hasBigInt": 1, "_info": {}, "config": {"blobSchedule": {}}}, None),
    }
    file = tmp_path / "case.json"
    file.write_text(json.dumps({name: fixture for name, (fixture, _) in cases.items()}))
    code, lines, _ = _run(capsys, monkeypatch, "blocktest", str(file))
    assert code == 1
    assert [line["name"] for line in lines] == list(cases)
    for line, (_, complaint) in zip(lines, cases.values(), strict=True):
        assert line["pass"] == (complaint is None)
        assert complaint is None or complaint in line["error"]
    assert _run(capsys, monkeypatch, "blocktest", "--fork", "Shanghai", str(file))[0] == 0


def test_names_of_networks() -> None:
    changes = schedule_of("CancunToPragueAtTime15k")
    assert changes is not None
    assert [changes.at(time_s).name for time_s in (14_999, 15_000)] == ["CANCUN", "PRAGUE"]
    numbered = schedule_of("BerlinToLondonAt5")
    assert numbered is not None
    assert [numbered.at(0, number).name for number in (4, 5)] == ["BERLIN", "LONDON"]
    assert schedule_of("HomesteadToDaoAt5") is None
    assert schedule_of("ArrowGlacierToParisAtDiffC0000") is None
    assert schedule_of("Osaka") is not None


def test_cases_of_an_empty_file() -> None:
    assert list(state_cases({})) == []
    assert list(block_cases({})) == []
