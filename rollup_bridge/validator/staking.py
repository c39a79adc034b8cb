"""How ValidatorStaking on the L1 is asked and told: calldata and answers.

Source: `rollup_bridge/contracts/ValidatorStaking.sol`, `EpochDraw.sol`.
"""

from eth_abi.abi import decode, encode

from genesis.types import Address
from rollup_bridge.ports import L1Contracts
from rollup_bridge.proposer.oracle import selector

_STAKING = selector("staking()")
_IS_VALIDATOR = selector("isValidator(address)")
_IS_JUROR = selector("isJuror(address,uint256)")
_EPOCH_BLOCKS = selector("epochBlocks()")
_SEED_OF = selector("seedOf(uint256)")
_RECORD_SEED = selector("recordSeed(bytes)")
_CANDIDATES = selector("candidates()")
_ATTESTED = selector("attested(uint256,bytes32,address)")
_ACTIVE_STAKE = selector("activeStake(address)")
_SLASHED_AT = selector("slashedAt(address,uint256)")


def record_seed_calldata(header_rlp: bytes) -> bytes:
    return _RECORD_SEED + encode(["bytes"], [header_rlp])


async def staking_of(oracle: Address, contracts: L1Contracts) -> Address:
    """Where the validators of an oracle stake."""
    (address,) = decode(["address"], await contracts.call(oracle, _STAKING))
    return Address(bytes.fromhex(address.removeprefix("0x")))


class StakingReader:
    """Reads at the L1 head. `TransactionError` when the contract reverts."""

    def __init__(self, staking: Address, contracts: L1Contracts) -> None:
        self.address = staking
        self._contracts = contracts

    async def is_validator(self, account: Address) -> bool:
        return bool(await self._number(_IS_VALIDATOR + encode(["address"], [account])))

    async def active_stake_wei(self, account: Address) -> int:
        return await self._number(_ACTIVE_STAKE + encode(["address"], [account]))

    async def epoch_blocks(self) -> int:
        """L1 blocks of an epoch."""
        return await self._number(_EPOCH_BLOCKS)

    async def has_seed(self, epoch: int) -> bool:
        return bool(await self._number(_SEED_OF + encode(["uint256"], [epoch])))

    async def is_juror(self, account: Address, epoch: int) -> bool:
        """Whether the account judges in an epoch, and so must not attest; reverts without a seed."""
        return bool(await self._number(_IS_JUROR + encode(["address", "uint256"], [account, epoch])))

    async def judges(self, account: Address, l1_block: int) -> bool:
        """Whether the account is a juror in an L1 block's epoch; False while the epoch has no seed."""
        epoch = l1_block // await self.epoch_blocks()
        return await self.has_seed(epoch) and await self.is_juror(account, epoch)

    async def candidates(self) -> tuple[Address, ...]:
        """Whom juries are drawn from."""
        (found,) = decode(["address[]"], await self._contracts.call(self.address, _CANDIDATES))
        return tuple(Address(bytes.fromhex(account.removeprefix("0x"))) for account in found)

    async def has_attested(self, l2_number: int, root: bytes, account: Address) -> bool:
        arguments = encode(["uint256", "bytes32", "address"], [l2_number, root, account])
        return bool(await self._number(_ATTESTED + arguments))

    async def was_slashed(self, account: Address, l2_number: int) -> bool:
        """For a contradiction about that L2 block."""
        return bool(await self._number(_SLASHED_AT + encode(["address", "uint256"], [account, l2_number])))

    async def _number(self, calldata: bytes) -> int:
        (value,) = decode(["uint256"], await self._contracts.call(self.address, calldata))
        return int(value)


def topic_address(topic: bytes) -> Address:
    """An indexed address out of a log's topic."""
    return Address(topic[12:])
