"""What happens to stake from outside: fees that come, slashes, epochs that pass."""

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, STAKING, TREASURY
from precompiles.slots import mapping_slot
from precompiles.views import attribution, metering
from tests.precompiles.calls import Account
from tests.precompiles.scene import Scene
from tests.precompiles.world import Call, MemoryHost


def earn(scene: Scene, amount_wei: int) -> None:
    """A stakers' part arrives as a settlement would bring it."""
    words = scene.native.words[INFERENCE_METERING]
    host = MemoryHost(scene.native, Call(TREASURY, STAKING, b""), 0)
    total_wei = words.get(metering.STAKERS_TOTAL_SLOT, 0) + amount_wei
    words[metering.STAKERS_TOTAL_SLOT] = total_wei
    words[metering.stakers_total_in_slot(metering.epoch(host))] = total_wei
    scene.machine.fund(STAKING, amount_wei)


def slash(scene: Scene, account: Account, amount_wei: int) -> None:
    """A verdict takes a provider's stake: a part is the stranger's, the rest the treasury's."""
    words = scene.native.words[ATTRIBUTION]
    shares = (
        (attribution.SLASHED_SLOT, account.address, amount_wei),
        (attribution.REWARD_SLOT, scene.stranger.address, amount_wei // 3),
        (attribution.REWARD_SLOT, TREASURY, amount_wei - amount_wei // 3),
    )
    for slot, address, amount in shares:
        at = mapping_slot(slot, address)
        words[at] = words.get(at, 0) + amount


def next_epoch(scene: Scene) -> None:
    """Time passes until the next rewards epoch begins."""
    _, duration_s = scene.fields(STAKING, "epoch")
    scene.wait(duration_s - scene.machine.moment.timestamp_s % duration_s)


def rewards(scene: Scene, account: Account) -> int:
    """What an account could claim."""
    return scene.read(STAKING, "pendingRewards", account.address)
