"""How the OutputOracle on L1 is asked and told: calldata and answers.

Source: OP Stack L2OutputOracle; `rollup_bridge/contracts/OutputOracle.sol`.
"""

from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from genesis.keccak import keccak256
from genesis.spec import BlockId
from genesis.types import Address, Hash32
from rollup_bridge.errors import CriticalError
from rollup_bridge.ports import L1Contracts


def selector(signature: str) -> bytes:
    """The first four bytes of a signature's hash."""
    return keccak256(signature.encode())[:4]


_PROPOSE = selector("proposeL2Output(bytes32,uint256,bytes32,uint256)")
_NEXT = selector("nextBlockNumber()")
_INDEX_AFTER = selector("getL2OutputIndexAfter(uint256)")
_NEWEST = selector("latestOutputIndex()")
_OUTPUT = selector("getL2Output(uint256)")
_FINALIZATION_PERIOD = selector("finalizationPeriodSeconds()")
_MAY_PROPOSE = selector("mayPropose(address)")


@dataclass(frozen=True, slots=True)
class Proposal:
    """An output in the oracle; `proposed_s` is the L1 timestamp of the proposal."""

    root: Hash32
    proposed_s: int
    l2_number: int


def propose_calldata(root: Hash32, l2_number: int, l1: BlockId) -> bytes:
    """A call of the oracle that proposes the root of L2 block `l2_number`, seen at L1 block `l1`."""
    return _PROPOSE + encode(
        ["bytes32", "uint256", "bytes32", "uint256"], [root, l2_number, l1.hash, l1.number]
    )


class OracleReader:
    """Reads at the L1 head. `TransactionError` when the oracle reverts."""

    def __init__(self, oracle: Address, contracts: L1Contracts) -> None:
        self._oracle = oracle
        self._contracts = contracts

    async def next_block_number(self) -> int:
        """The L2 block the next proposal must be for."""
        return await self._number(_NEXT)

    async def output_index_after(self, l2_number: int) -> int:
        """Index of the first output at or after an L2 block; reverts while there is none."""
        return await self._number(_INDEX_AFTER + encode(["uint256"], [l2_number]))

    async def newest_index(self) -> int:
        """Index of the newest output; reverts while there is none."""
        return await self._number(_NEWEST)

    async def output(self, index: int) -> Proposal:
        answer = await self._contracts.call(self._oracle, _OUTPUT + encode(["uint256"], [index]))
        root, proposed_s, l2_number = self._decode(["bytes32", "uint128", "uint128"], answer)
        return Proposal(Hash32(root), proposed_s, l2_number)

    async def may_propose(self, account: Address) -> bool:
        """Whether a proposal of `account` would be taken now."""
        return bool(await self._number(_MAY_PROPOSE + encode(["address"], [account])))

    async def finalization_period_s(self) -> int:
        return await self._number(_FINALIZATION_PERIOD)

    async def _number(self, calldata: bytes) -> int:
        answer = await self._contracts.call(self._oracle, calldata)
        value: int = self._decode(["uint256"], answer)[0]
        return value

    def _decode(self, types: list[str], answer: bytes) -> tuple[Any, ...]:
        try:
            return decode(types, answer)
        except DecodingError as error:
            raise CriticalError(f"0x{self._oracle.hex()} on the L1 is not an output oracle") from error
