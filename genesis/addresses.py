"""Which address holds which part of the system on L2."""

from genesis.types import Address


def _address(text: str) -> Address:
    return Address(bytes.fromhex(text.removeprefix("0x")))


# Native precompiles: decimal digits only, so that no checksum casing can go wrong; never reused.
ATTRIBUTION = _address("0x1612000000000000000000000000000000000001")
DATANET_REGISTRY = _address("0x1612000000000000000000000000000000000002")
MODEL_REGISTRY = _address("0x1612000000000000000000000000000000000003")
INFERENCE_METERING = _address("0x1612000000000000000000000000000000000004")
STAKING = _address("0x1612000000000000000000000000000000000005")
POLICY = _address("0x1612000000000000000000000000000000000006")
PRECOMPILE_REGISTRY = _address("0x1612000000000000000000000000000000000099")

PRECOMPILES = (
    ATTRIBUTION,
    DATANET_REGISTRY,
    MODEL_REGISTRY,
    INFERENCE_METERING,
    STAKING,
    POLICY,
    PRECOMPILE_REGISTRY,
)
PRECOMPILE_STUB_CODE = bytes.fromhex("60006000fd")
"""Code at every native precompile's address: `extcodesize` checks pass, and an engine without the
precompile reverts cleanly. It also keeps the account (and its storage) from being cleared as empty."""

# OP Stack predeploys, at the addresses existing tools expect.
OP_WETH9 = _address("0x4200000000000000000000000000000000000006")
L2_CROSS_DOMAIN_MESSENGER = _address("0x4200000000000000000000000000000000000007")
GAS_PRICE_ORACLE = _address("0x420000000000000000000000000000000000000F")
L2_STANDARD_BRIDGE = _address("0x4200000000000000000000000000000000000010")
SEQUENCER_FEE_VAULT = _address("0x4200000000000000000000000000000000000011")
L1_BLOCK = _address("0x4200000000000000000000000000000000000015")
L2_TO_L1_MESSAGE_PASSER = _address("0x4200000000000000000000000000000000000016")
BASE_FEE_VAULT = _address("0x4200000000000000000000000000000000000019")
L1_FEE_VAULT = _address("0x420000000000000000000000000000000000001A")

# Our own predeploys, from 0x1612…0100 up.
TREASURY = _address("0x1612000000000000000000000000000000000100")
GOVERNANCE_TIMELOCK = _address("0x1612000000000000000000000000000000000101")

# Senders and contracts fixed by the protocol.
L1_ATTRIBUTES_DEPOSITOR = _address("0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001")
SYSTEM_CALLER = _address("0xfffffffffffffffffffffffffffffffffffffffe")
BEACON_ROOTS = _address("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02")
HISTORY_STORAGE = _address("0x0000F90827F1C53a10cb7A02335B175320002935")
MULTICALL3 = _address("0xcA11bde05977b3631167028862bE2a173976CA11")
CREATE2_FACTORY = _address("0x4e59b44847b379578588920cA78FbF26c0B4956C")

BATCH_INBOX_PREFIX = bytes.fromhex("ff00")


def batch_inbox(l2_chain_id: int) -> Address:
    """The L1 address batches are sent to: nobody holds its key, and the chain id is readable in it."""
    return Address(BATCH_INBOX_PREFIX + l2_chain_id.to_bytes(18, "big"))
