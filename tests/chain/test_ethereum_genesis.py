"""geth's genesis files: forks, headers, accounts, and what is refused."""

import json
from typing import Any

import pytest

from genesis.forks import Fork
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_genesis import GenesisFileError, read_genesis
from openledger_node.errors import StartError
from openledger_node.evm.blocks import encode_block
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.proof_of_work import difficulty_after
from openledger_node.evm.records import BlockInputs, Work
from openledger_node.evm.rlp_codec import decode_list
from openledger_node.storage.keyvalue import MemoryKeyValue

SOMEONE = "11" * 20
MAINNET_LIKE = {"chainId": 7, "homesteadBlock": 0, "terminalTotalDifficulty": 0}
OTHER_BLOBS = {"target": 1, "max": 2, "baseFeeUpdateFraction": 3}
NOW = {**MAINNET_LIKE, "londonBlock": 0, "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0}


def genesis(config: dict[str, Any], **fields: Any) -> str:
    account = {"balance": "0x10", "nonce": "0x2", "code": "0x6001", "storage": {"0x1": "0x2", "0x3": "0x0"}}
    filled = {"gasLimit": "0x1c9c380", "difficulty": "0x0", **fields}
    return json.dumps({"config": config, "alloc": {SOMEONE: account}, **filled})


def test_forks_come_by_number_and_by_time() -> None:
    config = {
        "chainId": 7, "homesteadBlock": 2, "byzantiumBlock": 5, "londonBlock": 5, "mergeNetsplitBlock": 8,
        "terminalTotalDifficulty": 1000, "shanghaiTime": 100, "pragueTime": 200,
    }  # fmt: skip
    schedule = read_genesis(genesis(config, difficulty="0x20000")).schedule
    found = [schedule.at(0, number) for number in (0, 2, 4, 5, 8)]
    assert found == [Fork.FRONTIER, Fork.HOMESTEAD, Fork.HOMESTEAD, Fork.LONDON, Fork.PARIS]
    assert [schedule.at(time_s, 9) for time_s in (99, 100, 200)] == [Fork.PARIS, Fork.SHANGHAI, Fork.PRAGUE]


def test_accounts_are_as_the_file_has_them() -> None:
    chain = Chain.open_ethereum(read_genesis(genesis(NOW)), MemoryKeyValue())
    account = chain.snapshot().account(Address(bytes.fromhex(SOMEONE)))
    assert (account.balance_wei, account.nonce, account.code) == (16, 2, b"\x60\x01")
    assert chain.snapshot().storage_at(Address(bytes.fromhex(SOMEONE)), 1) == 2
    assert chain.supply(0).total_wei == 16


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"chainId": 7}, 15),
        ({"chainId": 7, "londonBlock": 0}, 16),
        ({**MAINNET_LIKE, "londonBlock": 0, "shanghaiTime": 0}, 17),
        ({**MAINNET_LIKE, "londonBlock": 0, "shanghaiTime": 0, "cancunTime": 0}, 20),
        (NOW, 21),
        ({**NOW, "osakaTime": 0}, 21),
    ],
)
def test_the_first_header_has_its_forks_fields(config: dict[str, Any], fields: int) -> None:
    header = read_genesis(genesis(config)).block.block.header
    assert len(decode_list(header.rlp)) == fields
    assert header.has_base_fee == (fields > 15)
    assert header.base_fee_wei == (10**9 if fields > 15 else 0)


def test_the_first_header_is_the_files() -> None:
    given = {
        "nonce": "0x42",
        "extraData": "0x11bb",
        "difficulty": "0x400000000",
        "mixHash": "0x" + "22" * 32,
        "coinbase": "0x" + "33" * 20,
        "timestamp": "0x5",
    }
    header = read_genesis(genesis({"chainId": 1}, **given)).block.block.header
    assert header.nonce == bytes.fromhex("0000000000000042")
    assert (header.difficulty, header.timestamp_s, header.number) == (17_179_869_184, 5, 0)
    assert (header.extra_data, header.prev_randao, header.coinbase) == (
        b"\x11\xbb",
        b"\x22" * 32,
        b"\x33" * 20,
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a genesis file"),
        ("[]", "not a genesis file"),
        ("{}", "not a genesis file"),
        (genesis({}), "not a genesis file"),
        (genesis({**NOW, "amsterdamTime": 5}), "does not know amsterdamTime"),
        (genesis({"chainId": 1, "daoForkBlock": 1, "daoForkSupport": True}), "DAO"),
        (genesis({"chainId": 1, "terminalTotalDifficulty": 5}), "mergeNetsplitBlock"),
        (genesis({**NOW, "blobSchedule": {"prague": OTHER_BLOBS}}), "prague"),
        (json.dumps({"config": NOW, "alloc": {"0x12": {}}, "gasLimit": "0x1"}), "20 bytes"),
        (json.dumps({"config": NOW, "alloc": {"zz" * 20: {}}, "gasLimit": "0x1"}), "hex"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(GenesisFileError, match=why):
        read_genesis(text)


def test_a_store_belongs_to_one_genesis() -> None:
    store = MemoryKeyValue()
    Chain.open_ethereum(read_genesis(genesis(NOW)), store)
    Chain.open_ethereum(read_genesis(genesis(NOW)), store)
    with pytest.raises(StartError, match="another --datadir"):
        Chain.open_ethereum(read_genesis(genesis(NOW, timestamp="0x1")), store)


def old_chain() -> Chain:
    config = {"chainId": 7, "homesteadBlock": 0, "byzantiumBlock": 3}
    return Chain.open_ethereum(read_genesis(genesis(config, difficulty="0x20000")), MemoryKeyValue())


def mine(chain: Chain, **changes: Any) -> bytes:
    """The next block as a miner would seal it, encoded."""
    head = chain.head.header
    fork = chain.engine.schedule.at(0, head.number + 1)
    ommers = changes.pop("ommers", ())
    work = Work(difficulty_after(fork, head, head.timestamp_s + 13), bytes(8), ommers)
    inputs = BlockInputs(
        timestamp_s=head.timestamp_s + 13,
        prev_randao=head.prev_randao,
        fee_recipient=Address(b"\x0c" * 20),
        gas_limit=head.gas_limit,
        parent_beacon_block_root=head.parent_hash,
        work=work,
        **changes,
    )
    block = chain.engine.execute_block(head, inputs).block
    raws = tuple(transaction.raw for transaction in block.transactions)
    return encode_block(block.header, raws, block.withdrawals, block.ommers)


def test_blocks_with_work_and_ommers_are_imported_and_read_back() -> None:
    chain = old_chain()
    chain.import_encoded(mine(chain))
    rival = chain.head.header
    chain.import_encoded(mine(chain, ommers=(rival,)))
    chain.import_encoded(mine(chain))
    stored = chain.block_by_number(2)
    assert stored is not None
    assert stored.ommers == (rival,)
    ether = 10**18
    miner = chain.snapshot().account(Address(b"\x0c" * 20)).balance_wei
    assert miner == 5 * ether * 2 + 5 * ether // 32 + 7 * 5 * ether // 8 + 3 * ether
    assert chain.supply(3).minted_wei == miner
    assert not stored.header.has_base_fee


def test_a_block_that_breaks_the_rules_of_its_fork_is_refused() -> None:
    chain = old_chain()
    encoded = mine(chain)
    late = read_genesis(genesis(NOW)).block.block.header
    with pytest.raises(InvalidBlockError):
        chain.import_encoded(encode_block(late, ()))
    with pytest.raises(InvalidBlockError):
        chain.import_encoded(encoded[:-1])
    chain.import_encoded(encoded)
    assert chain.head.header.number == 1
