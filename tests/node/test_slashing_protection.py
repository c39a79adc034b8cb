"""The record of signed attestations: never two roots, whatever is killed, copied or restored."""

import asyncio
import shutil
from pathlib import Path

import pytest

from genesis.keccak import keccak256
from genesis.spec import BlockId
from genesis.types import Address
from openledger_node.client.account import Account
from openledger_node.errors import StartError
from openledger_node.node.slashing_protection import RECORD_FILE, SlashingProtection, mark_path
from rollup_bridge.errors import CriticalError
from rollup_bridge.validator.attestation import Attestation, attestation_digest

ACCOUNT = Account(b"\x07" * 32)
STAKING = Address(b"\x57" * 20)
CHAIN_ID = 31337


def attestation(l2_number: int, root: bytes = b"root", l1: bytes = b"l1") -> Attestation:
    return Attestation(l2_number, keccak256(root), BlockId(keccak256(l1), 5))


def opened(tmp_path: Path, name: str = "data") -> SlashingProtection:
    directory = tmp_path / name
    directory.mkdir(exist_ok=True)
    return SlashingProtection.open(directory, tmp_path / "validator.key", ACCOUNT.address, CHAIN_ID, STAKING)


async def sign(record: SlashingProtection, wanted: Attestation) -> bytes:
    digest = attestation_digest(CHAIN_ID, STAKING, wanted)
    return (await record.sign(wanted, digest, ACCOUNT.sign_digest)).signature


async def test_no_second_root_for_one_l2_block_and_l1_block(tmp_path: Path) -> None:
    record = opened(tmp_path)
    first = await sign(record, attestation(5))
    with pytest.raises(CriticalError, match="would be slashed"):
        await sign(record, attestation(5, b"another"))
    assert await sign(record, attestation(5)) == first, "the same again is the same signature"
    await sign(record, attestation(5, b"another", b"another l1"))
    assert record.count() == 2
    record.close()
    record = opened(tmp_path)
    with pytest.raises(CriticalError, match="would be slashed"):
        await sign(record, attestation(5, b"another"))
    record.close()


async def test_two_at_a_time_are_never_both_signed(tmp_path: Path) -> None:
    record = opened(tmp_path)
    answers = await asyncio.gather(
        *(sign(record, attestation(5, b"root%d" % number)) for number in range(8)), return_exceptions=True
    )
    assert sum(isinstance(answer, bytes) for answer in answers) == 1
    record.close()


async def test_a_restored_older_copy_is_refused(tmp_path: Path) -> None:
    record = opened(tmp_path)
    await sign(record, attestation(5))
    record.close()
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    record = opened(tmp_path)
    await sign(record, attestation(10))
    await sign(record, attestation(15))
    record.close()
    with pytest.raises(StartError, match="an old copy"):
        opened(tmp_path, "copy")
    with pytest.raises(StartError, match="an old copy"):
        opened(tmp_path, "empty")
    opened(tmp_path).close()


async def test_a_copy_that_went_on_by_itself_is_refused(tmp_path: Path) -> None:
    """Same length, other signatures."""
    record = opened(tmp_path)
    await sign(record, attestation(5))
    record.close()
    mark = mark_path(tmp_path / "validator.key")
    text = mark.read_text()
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    record = opened(tmp_path)
    await sign(record, attestation(10))
    record.close()
    newest, _ = mark.read_text(), mark.write_text(text)
    record = opened(tmp_path, "copy")
    await sign(record, attestation(10, b"another"))
    record.close()
    mark.write_text(newest)
    with pytest.raises(StartError, match="an old copy"):
        opened(tmp_path, "copy")


@pytest.mark.parametrize("lost_after", ["row", "mark"])
async def test_a_kill_between_row_and_mark_loses_nothing(tmp_path: Path, lost_after: str) -> None:
    record = opened(tmp_path)
    await sign(record, attestation(5))
    mark = mark_path(tmp_path / "validator.key")
    before = mark.read_text()
    await sign(record, attestation(10))
    record.close()
    if lost_after == "row":
        mark.write_text(before)
    record = opened(tmp_path)
    with pytest.raises(CriticalError, match="would be slashed"):
        await sign(record, attestation(10, b"another"))
    await sign(record, attestation(10))
    await sign(record, attestation(15))
    record.close()
    assert opened(tmp_path).count() == 3


async def test_a_mark_that_is_missing_or_damaged(tmp_path: Path) -> None:
    record = opened(tmp_path)
    await sign(record, attestation(5))
    await sign(record, attestation(10))
    record.close()
    mark = mark_path(tmp_path / "validator.key")
    for text in ("", "2", "two rows", "2 " + "00" * 32):
        mark.write_text(text)
        with pytest.raises(StartError, match=r"is damaged|an old copy"):
            opened(tmp_path)
    mark.unlink()
    with pytest.raises(StartError, match="bring the file"):
        opened(tmp_path)


async def test_another_key_contract_or_process_is_refused(tmp_path: Path) -> None:
    record = opened(tmp_path)
    await sign(record, attestation(5))
    with pytest.raises(StartError, match="locked"):
        opened(tmp_path)
    record.close()
    key = tmp_path / "validator.key"
    for account, staking in ((Address(b"\x01" * 20), STAKING), (ACCOUNT.address, Address(b"\x02" * 20))):
        with pytest.raises(StartError, match="of another key"):
            SlashingProtection.open(tmp_path / "data", key, account, CHAIN_ID, staking)


async def test_a_file_that_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / RECORD_FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(StartError, match="cannot be used"):
        opened(tmp_path)
