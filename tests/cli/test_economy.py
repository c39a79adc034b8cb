"""The economy's commands without a network: values, signers, results, and that no option hides another."""

import inspect
import json
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App
from hypothesis import given
from hypothesis import strategies as st

from genesis.spec import DEV_L2_CHAIN_ID, MAINNET_L2_CHAIN_ID, OPEN_UNIT
from genesis.types import Address, Hash32
from openledger_node.cli.economy import output, signer, values
from openledger_node.cli.economy.remedies import REMEDIES
from openledger_node.cli.economy.session import Options
from openledger_node.client.account import dev_account
from openledger_node.client.economy import DATANETS
from openledger_node.client.http import encoded
from openledger_node.client.predeploys import AGENTS, CALLBACKS
from openledger_node.client.purchase_journal import PurchaseJournal
from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.errors import UserError

GROUPS = (
    "account",
    "agent",
    "attribution",
    "bridge",
    "datanet",
    "governance",
    "infer",
    "model",
    "stake",
    "token",
)
ALICE = Address(bytes.fromhex("70997970c51812dc3a010c7d01b50e0d17dc79c8"))
CHANNEL = Hash32(b"\x07" * 32)


def commands(app: App) -> list[Any]:
    return [app[name].default_command for name in app if not name.startswith("-")]


@pytest.mark.parametrize("group", GROUPS)
def test_no_parameter_has_the_name_of_a_common_option(group: str) -> None:
    common = {field.name for field in fields(Options)}
    app: App = import_module(f"openledger_node.cli.economy.{group}").app
    functions = [function for function in commands(app) if function is not None]
    assert len(functions) >= 5
    for function in functions:
        assert not common & set(inspect.signature(function).parameters), function.__name__
        assert function.__doc__, function.__name__


@given(st.integers(0, 2**256 - 1))
def test_wei_are_read_exactly(wei: int) -> None:
    assert values.amount(f"{wei}wei") == wei
    whole, part = divmod(wei, OPEN_UNIT)
    if whole < 10**9:
        assert values.amount(f"{whole}.{part:018d}") == wei


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "-1",
        "1e-19",
        "0.0000000000000000001",
        "nan",
        "inf",
        "1.5wei",
        "1e9999999999",
        "1e60",
        f"{2**256}wei",
        "٣wei",
    ],
)
def test_other_amounts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        values.amount(text)


def test_great_amounts_are_not_rounded() -> None:
    assert values.amount("1000000000000.000000000000000001") == 10**30 + 1


def test_a_mnemonic_ends() -> None:
    for wrong in (-1, 2**31):
        with pytest.raises(UserError, match="has no account"):
            dev_account(wrong)
    with pytest.raises(UserError, match="has no account"):
        values.address(f"dev:{10**30}")


def test_a_number_beyond_its_type_is_a_line() -> None:
    with pytest.raises(UserError, match="getDatanet takes no such argument"):
        DATANETS.calldata("getDatanet", 2**256)
    with pytest.raises(UserError, match="cannot be asked for"):
        encoded({"records": 2**64})


def test_a_precompile_s_refusal_is_read_through_who_called_it() -> None:
    data = bytes.fromhex("4ec726c7") + (7).to_bytes(32, "big")
    error = CALLBACKS.reverted("deliver", data)
    assert (error.name, error.arguments) == ("RequestNotFound", {"requestId": 7})
    assert error.name in REMEDIES


def test_accounts_are_read_with_their_checksum() -> None:
    text = values.checksummed(ALICE)
    assert text == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    assert {values.address(each) for each in (text, text.lower(), "dev:1")} == {ALICE}
    with pytest.raises(ValueError, match="wrong checksum"):
        values.address(text.replace("dc3A", "Dc3A"))
    for wrong in ("0x12", "dev:x", ALICE.hex()):
        with pytest.raises(ValueError, match="is not an account"):
            values.address(wrong)


def test_hashes_are_read_with_either_prefix() -> None:
    assert values.word(f"sha256:{'ab' * 32}") == values.word(f"0x{'ab' * 32}") == b"\xab" * 32
    with pytest.raises(ValueError, match="is not a hash"):
        values.word("0xabcd")


def test_results_keep_great_integers(capsys: pytest.CaptureFixture[str]) -> None:
    result = {"wei": 2**70, "hash": b"\x01", "good": True, "list": [{"x": 1}]}
    output.show(result, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"wei": str(2**70), "hash": "0x01", "good": True, "list": [{"x": "1"}]}
    output.show(result, as_json=False, field="wei")
    assert capsys.readouterr().out == f"{2**70}\n"
    with pytest.raises(UserError, match="no gold: choose one of wei"):
        output.show(result, as_json=False, field="gold")


def test_public_keys_sign_on_development_chains_only() -> None:
    chosen = signer.signer(DEV_L2_CHAIN_ID, account=3, keystore=None, password_file=None)
    assert chosen.address == dev_account(3).address
    with pytest.raises(UserError, match="is public"):
        signer.signer(MAINNET_L2_CHAIN_ID, account=3, keystore=None, password_file=None)


def test_the_environment_holds_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signer.KEY_VARIABLE, "0x" + "11" * 32)
    assert signer.signer(1, account=None, keystore=None, password_file=None).address
    for wrong in ("12", "zz", "00" * 32):
        monkeypatch.setenv(signer.KEY_VARIABLE, wrong)
        with pytest.raises(UserError, match="holds no private key"):
            signer.signer(1, account=None, keystore=None, password_file=None)
    monkeypatch.delenv(signer.KEY_VARIABLE)
    with pytest.raises(UserError, match="no account to sign with"):
        signer.signer(1, account=None, keystore=None, password_file=None)


def test_what_was_bought_is_known_to_the_next_process(tmp_path: Path) -> None:
    journal = PurchaseJournal(tmp_path / "channel.jsonl", 1, CHANNEL)
    with pytest.raises(UserError, match="cannot read"):
        PurchaseJournal(tmp_path, 1, CHANNEL).receipts()
    expected = ReceiptTree(1, CHANNEL)
    for number in range(5):
        receipt = Hash32(bytes([number]) * 32)
        journal.append(receipt, 10 * number)
        expected.append(receipt, 10 * number)
    found = PurchaseJournal(tmp_path / "channel.jsonl", 1, CHANNEL).tree()
    assert (found.count, found.total_fee_wei, found.root()) == (5, 100, expected.root())
    (tmp_path / "channel.jsonl").write_text("nonsense\n")
    with pytest.raises(UserError, match="line 1 of"):
        journal.tree()


def test_an_indexed_text_is_told_by_its_hash() -> None:
    event = AGENTS.interface.event("MetadataSet")
    topics = [event.topic, (7).to_bytes(32, "big"), b"\x09" * 32]
    data = AGENTS.interface.functions["setMetadata"]
    assert [each.type for each in data.inputs] == ["uint256", "string", "bytes"]
    words = [64, 128, 5]
    body = b"".join(word.to_bytes(32, "big") for word in words) + b"topic".ljust(32, b"\0")
    body += (6).to_bytes(32, "big") + b"digits".ljust(32, b"\0")
    log = {
        "address": f"0x{AGENTS.address.hex()}",
        "topics": [f"0x{topic.hex()}" for topic in topics],
        "data": f"0x{body.hex()}",
        "blockNumber": "0x1",
        "logIndex": "0x0",
        "transactionHash": f"0x{'00' * 32}",
    }
    found = AGENTS.event(log)
    assert found is not None
    expected = {"agentId": 7, "indexedKey": b"\x09" * 32, "key": "topic", "value": b"digits"}
    assert found.arguments == expected
