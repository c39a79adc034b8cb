"""What geth's genesis file says: the rules of a plain Ethereum chain, its first state and first header.

Covered: forks by number and by time up to those the engine has, the merge at a named block or from the start.
Not covered: the DAO fork, a merge at a total difficulty alone, blob schedules of one's own; each is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from genesis.account import GenesisAccount
from genesis.forks import BLOB_RULES, Fork, ForkSchedule
from genesis.spec import DEPOSIT_CONTRACT, ChainSpec, FeeParameters
from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.evm.allocation import materialise
from openledger_node.evm.blocks import EMPTY_OMMERS_HASH, NO_REQUESTS_HASH, sealed
from openledger_node.evm.receipts import EMPTY_BLOOM
from openledger_node.evm.records import Block, ExecutedBlock, Header, SupplyChange
from openledger_node.evm.trie import EMPTY_ROOT

FEES = FeeParameters(elasticity=2, denominator=8, minimum_base_fee_wei=0, initial_base_fee_wei=10**9)
"""EIP-1559 as written, without a least base fee."""
_BY_NUMBER = (
    ("homesteadBlock", Fork.HOMESTEAD),
    ("eip150Block", Fork.TANGERINE_WHISTLE),
    ("eip158Block", Fork.SPURIOUS_DRAGON),
    ("byzantiumBlock", Fork.BYZANTIUM),
    ("constantinopleBlock", Fork.CONSTANTINOPLE),
    ("petersburgBlock", Fork.PETERSBURG),
    ("istanbulBlock", Fork.ISTANBUL),
    ("muirGlacierBlock", Fork.MUIR_GLACIER),
    ("berlinBlock", Fork.BERLIN),
    ("londonBlock", Fork.LONDON),
    ("arrowGlacierBlock", Fork.ARROW_GLACIER),
    ("grayGlacierBlock", Fork.GRAY_GLACIER),
    ("mergeNetsplitBlock", Fork.PARIS),
)
_BY_TIME = (
    ("shanghaiTime", Fork.SHANGHAI),
    ("cancunTime", Fork.CANCUN),
    ("pragueTime", Fork.PRAGUE),
    ("osakaTime", Fork.OSAKA),
)
_UNKNOWN_TIMES = ("bpo1Time", "bpo2Time", "amsterdamTime")
_BLOB_FORKS = {"cancun": Fork.CANCUN, "prague": Fork.PRAGUE, "osaka": Fork.OSAKA}
_GAS_PER_BLOB = 131_072


class GenesisFileError(ValueError):
    """The file is no genesis file, or names what this engine does not have."""


@dataclass(frozen=True, slots=True)
class EthereumGenesis:
    spec: ChainSpec
    schedule: ForkSchedule
    block: ExecutedBlock
    supply_wei: int


def read_genesis(text: str) -> EthereumGenesis:
    """Raises `GenesisFileError`."""
    try:
        fields = json.loads(text)
        return _genesis(fields)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise GenesisFileError(f"not a genesis file: {type(error).__name__} {error}") from error
    except ValueError as error:
        raise GenesisFileError(str(error)) from error


def _genesis(fields: Mapping[str, Any]) -> EthereumGenesis:
    config = fields["config"]
    schedule = _schedule(config)
    allocation = {
        Address(_fixed(address, 20)): _account(account) for address, account in fields["alloc"].items()
    }
    state_root, writes = materialise(allocation)
    header = _header(fields, state_root, schedule)
    spec = ChainSpec(
        chain_id=int(config["chainId"]),
        is_rollup=False,
        block_gas_limit=header.gas_limit,
        fees=FEES,
        has_execution_requests=True,
        deposit_contract=Address(_fixed(config.get("depositContractAddress") or DEPOSIT_CONTRACT.hex(), 20)),
    )
    supply_wei = sum(account.balance_wei for account in allocation.values())
    return EthereumGenesis(
        spec, schedule, ExecutedBlock(Block(header, (), (), SupplyChange(0, 0)), writes), supply_wei
    )


def _schedule(config: Mapping[str, Any]) -> ForkSchedule:
    if config.get("daoForkBlock") is not None and config.get("daoForkSupport"):
        raise GenesisFileError("the DAO fork is not supported")
    unknown = [name for name in _UNKNOWN_TIMES if config.get(name) is not None]
    if unknown:
        raise GenesisFileError(f"this engine does not know {', '.join(unknown)}")
    _check_blob_schedule(config.get("blobSchedule") or {})
    numbers = {fork: config.get(name) for name, fork in _BY_NUMBER}
    if numbers[Fork.PARIS] is None:
        numbers[Fork.PARIS] = _merge_from_the_start(config)
    by_number = [(0, Fork.FRONTIER)]
    by_number += sorted((int(number), fork) for fork, number in numbers.items() if number is not None)
    steps = [(int(config[name]), fork) for name, fork in _BY_TIME if config.get(name) is not None]
    return ForkSchedule(tuple(steps), tuple(by_number))


def _merge_from_the_start(config: Mapping[str, Any]) -> int | None:
    total_difficulty = config.get("terminalTotalDifficulty")
    if total_difficulty is None:
        return None
    if int(total_difficulty) == 0:
        return 0
    raise GenesisFileError("a merge by total difficulty needs mergeNetsplitBlock to name its first block")


def _check_blob_schedule(schedule: Mapping[str, Any]) -> None:
    for name, fork in _BLOB_FORKS.items():
        wanted, ours = schedule.get(name), BLOB_RULES[fork]
        if wanted is None:
            continue
        theirs = (
            wanted["target"] * _GAS_PER_BLOB,
            wanted["max"] * _GAS_PER_BLOB,
            wanted["baseFeeUpdateFraction"],
        )
        if theirs != (ours.target_gas, ours.maximum_gas, ours.update_fraction):
            raise GenesisFileError(f"a blob schedule of its own for {name} is not supported")


def _account(fields: Mapping[str, Any]) -> GenesisAccount:
    storage = {int(slot, 16): int(value, 16) for slot, value in (fields.get("storage") or {}).items()}
    return GenesisAccount(
        balance_wei=_number(fields.get("balance")),
        nonce=_number(fields.get("nonce")),
        code=_bytes(fields.get("code") or ""),
        storage={slot: value for slot, value in storage.items() if value},
    )


def _header(fields: Mapping[str, Any], state_root: Hash32, schedule: ForkSchedule) -> Header:
    """Fields of later forks are there if the fork is active in the first block."""
    timestamp_s = _number(fields.get("timestamp"))
    fork = schedule.at(timestamp_s, 0)
    header = Header(
        parent_hash=_hash(fields.get("parentHash")),
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=Address(_fixed(fields.get("coinbase") or "00" * 20, 20)),
        state_root=state_root,
        transactions_root=EMPTY_ROOT,
        receipts_root=EMPTY_ROOT,
        bloom=EMPTY_BLOOM,
        difficulty=_number(fields.get("difficulty")),
        number=_number(fields.get("number")),
        gas_limit=_number(fields["gasLimit"]),
        gas_used=_number(fields.get("gasUsed")),
        timestamp_s=timestamp_s,
        extra_data=_bytes(fields.get("extraData") or ""),
        prev_randao=_hash(fields.get("mixHash")),
        nonce=_number(fields.get("nonce")).to_bytes(8, "big"),
        base_fee_wei=0,
        withdrawals_root=Hash32(b""),
        blob_gas_used=_number(fields.get("blobGasUsed")),
        excess_blob_gas=_number(fields.get("excessBlobGas")),
        parent_beacon_block_root=Hash32(b""),
        requests_hash=Hash32(b""),
        hash=Hash32(b""),
        rlp=b"",
        has_base_fee=False,
    )
    if fork >= Fork.LONDON:
        given = fields.get("baseFeePerGas")
        base_fee_wei = FEES.initial_base_fee_wei if given is None else _number(given)
        header = replace(header, has_base_fee=True, base_fee_wei=base_fee_wei)
    if fork >= Fork.SHANGHAI:
        header = replace(header, withdrawals_root=EMPTY_ROOT)
    if fork >= Fork.CANCUN:
        header = replace(header, parent_beacon_block_root=_hash(fields.get("parentBeaconBlockRoot")))
    if fork >= Fork.PRAGUE:
        header = replace(header, requests_hash=NO_REQUESTS_HASH)
    return sealed(header)


def _number(value: Any) -> int:
    return 0 if value is None else int(value, 0) if isinstance(value, str) else int(value)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _fixed(text: str, size: int) -> bytes:
    value = _bytes(text)
    if len(value) != size:
        raise GenesisFileError(f"{text} is not {size} bytes long")
    return value


def _hash(text: str | None) -> Hash32:
    return ZERO_HASH if text is None else Hash32(_fixed(text, 32))
