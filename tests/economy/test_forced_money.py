"""Money and rights by forced deposit: who is ignored by a sequencer still closes, claims and leaves."""

from genesis.addresses import DATANET_REGISTRY, INFERENCE_METERING, MODEL_REGISTRY, STAKING, TREASURY
from genesis.types import Address
from tests.economy.forced import sends
from tests.precompiles import test_metering_requests as requests
from tests.precompiles.calls import UNIT
from tests.precompiles.retrieval_scene import RetrievalScene
from tests.precompiles.scene import FEES_WEI, HASH, Scene
from tests.precompiles.world import MachineType

VALIDATOR, PROVIDER = 1, 2


def word(address: Address) -> int:
    return int.from_bytes(address, "big")


# --- Metering ---------------------------------------------------------------------------------------------


@sends("openChannel", "topUp", "settle", "requestClose", "withdraw", of="InferenceMetering")
def test_a_channel_from_its_opening_to_its_end(machine_type: MachineType) -> None:
    scene = Scene(machine_type=machine_type)
    channel_id = scene.channel()
    scene.do(scene.payer, INFERENCE_METERING, "topUp", channel_id, value_wei=UNIT)
    scene.settle(channel_id)
    scene.do(scene.payer, INFERENCE_METERING, "requestClose", channel_id)
    scene.wait(scene.policy.close_delay_s)
    before_wei = scene.machine.balance(scene.payer.address)
    scene.do(scene.payer, INFERENCE_METERING, "withdraw", channel_id)
    assert scene.machine.balance(scene.payer.address) == before_wei + 101 * UNIT - sum(FEES_WEI)


@sends(
    "ModelRegistry.setRetrieval", "InferenceMetering.settleWithRetrieval", "InferenceMetering.claimRetrieval"
)
def test_retrieved_records_are_paid(machine_type: MachineType) -> None:
    scene = RetrievalScene(machine_type)
    tree = scene.tree([scene.limit() - 7, 7])
    assert scene.settle_shares(scene.share(tree)) == 1
    contributor = scene.contributors[0]
    before_wei = scene.machine.balance(contributor)
    scene.do(scene.stranger, INFERENCE_METERING, "claimRetrieval", *scene.claim_arguments_of(tree, 0))
    assert scene.machine.balance(contributor) == before_wei + scene.limit() - 7
    assert scene.read(INFERENCE_METERING, "isRetrievalClaimed", 1, 0) == 1


@sends(
    "requestInference",
    "fulfil",
    "settleRequest",
    "disputeRequest",
    "refundRequest",
    "releaseEarnings",
    "withdrawEarnings",
    of="InferenceMetering",
)
def test_requests_are_settled_disputed_and_refunded(machine_type: MachineType) -> None:
    scene = Scene(machine_type=machine_type)
    scene.channel()
    answered, disputed, late = (requests.ask(scene, gas=0, tip=0) for _ in range(3))
    for request_id in (answered, disputed):
        requests.fulfil(scene, request_id)
    scene.do(scene.payer, INFERENCE_METERING, "disputeRequest", disputed)
    assert scene.read(INFERENCE_METERING, "earningsOf", TREASURY) == requests.FEE
    scene.wait(100)
    before_wei = scene.machine.balance(scene.payer.address)
    scene.do(scene.stranger, INFERENCE_METERING, "refundRequest", late)
    assert scene.machine.balance(scene.payer.address) == before_wei + 10 * UNIT
    scene.do(scene.stranger, INFERENCE_METERING, "settleRequest", answered)
    held_wei = scene.read(INFERENCE_METERING, "heldOf", scene.provider.address)
    scene.wait(scene.policy.unbonding_s)
    scene.do(scene.stranger, INFERENCE_METERING, "releaseEarnings", [1])
    before_wei = scene.machine.balance(scene.provider.address)
    scene.do(scene.provider, INFERENCE_METERING, "withdrawEarnings", scene.provider.address)
    assert scene.machine.balance(scene.provider.address) == before_wei + held_wei > before_wei


@sends("InferenceMetering.announceProvider", "InferenceMetering.setOffer")
def test_a_provider_lists_itself(machine_type: MachineType) -> None:
    scene = Scene(machine_type=machine_type)
    scene.channel()
    scene.do(scene.provider, INFERENCE_METERING, "announceProvider", b"url", HASH)
    scene.do(scene.provider, INFERENCE_METERING, "setOffer", scene.model_id, True)
    assert scene.read(INFERENCE_METERING, "modelProviderAt", scene.model_id, 0) == word(
        scene.provider.address
    )


# --- Staking ----------------------------------------------------------------------------------------------


@sends("setCommission", "delegate", "checkpoint", "collectRewards", "claimRewards", of="Staking")
def test_delegators_earn(machine_type: MachineType) -> None:
    scene = Scene(machine_type=machine_type)
    channel_id = scene.channel()
    pool = (scene.provider.address, PROVIDER)
    scene.do(scene.provider, STAKING, "setCommission", PROVIDER, 100_000)
    scene.do(scene.stranger, STAKING, "delegate", *pool, value_wei=1_000 * UNIT)
    _, duration_s = scene.fields(STAKING, "epoch")
    scene.wait(duration_s)
    scene.settle(channel_id)
    scene.wait(duration_s)
    scene.do(scene.payer, STAKING, "checkpoint", *pool)
    scene.do(scene.stranger, STAKING, "collectRewards", *pool)
    earned_wei = scene.read(STAKING, "pendingRewards", scene.stranger.address)
    before_wei = scene.machine.balance(scene.stranger.address)
    scene.do(scene.stranger, STAKING, "claimRewards", scene.stranger.address)
    assert scene.machine.balance(scene.stranger.address) == before_wei + earned_wei > before_wei


@sends("stake", "requestUnstake", "withdraw", "undelegate", "withdrawDelegation", of="Staking")
def test_stake_leaves(machine_type: MachineType) -> None:
    scene = Scene(machine_type=machine_type)
    pool = (scene.provider.address, PROVIDER)
    people = (scene.provider.address, scene.stranger.address)
    before_wei = [scene.machine.balance(each) for each in people]
    scene.stake(scene.provider)
    scene.do(scene.stranger, STAKING, "delegate", *pool, value_wei=5 * UNIT)
    scene.do(scene.stranger, STAKING, "undelegate", *pool, 5 * UNIT)
    scene.do(scene.provider, STAKING, "requestUnstake", PROVIDER, 1_000 * UNIT)
    scene.wait(scene.policy.unbonding_s)
    scene.do(scene.stranger, STAKING, "withdrawDelegation", *pool)
    scene.do(scene.provider, STAKING, "withdraw", PROVIDER)
    assert [scene.machine.balance(each) for each in people] == before_wei


# --- Datanets and models ----------------------------------------------------------------------------------


@sends("createDatanet", "contribute", "reveal", "cancel", "withdrawBond", of="DatanetRegistry")
def test_a_contribution_is_taken_back(machine_type: MachineType) -> None:
    scene = Scene(machine_type=machine_type)
    contributor = scene.contributors[0]
    before_wei = scene.machine.balance(contributor)
    contribution_id = scene.contribution(scene.datanet(), contributor, [HASH])
    scene.do(contributor, DATANET_REGISTRY, "cancel", contribution_id)
    scene.do(contributor, DATANET_REGISTRY, "withdrawBond", contribution_id)
    assert scene.machine.balance(contributor) == before_wei


@sends(
    "review",
    "publishVersion",
    "setCurator",
    "setContributor",
    "setMetadata",
    "setUsage",
    "grantUsage",
    "buyUsage",
    "transferDatanet",
    of="DatanetRegistry",
)
def test_a_datanet_is_administered_and_sold(machine_type: MachineType) -> None:
    scene = Scene(machine_type=machine_type)
    datanet_id, someone = scene.published_datanet(), scene.stranger.address

    def own(name: str, *arguments: object) -> None:
        scene.do(scene.owner, DATANET_REGISTRY, name, datanet_id, *arguments)

    own("setCurator", someone, True)
    own("setContributor", someone, True)
    own("setMetadata", b"uri", HASH, HASH)
    own("setUsage", 2, 3 * UNIT)
    own("grantUsage", someone, 2**256 - 1)
    before_wei = scene.machine.balance(scene.owner.address)
    scene.do(scene.payer, DATANET_REGISTRY, "buyUsage", datanet_id, value_wei=3 * UNIT)
    assert scene.machine.balance(scene.owner.address) == before_wei + 3 * UNIT
    own("transferDatanet", scene.payer.address)
    for account, may_use in ((someone, 1), (scene.payer.address, 1), (scene.key.address, 0)):
        assert scene.read(DATANET_REGISTRY, "mayUse", datanet_id, account) == may_use
    assert scene.read(DATANET_REGISTRY, "isCurator", datanet_id, someone) == 1
    assert scene.fields(DATANET_REGISTRY, "getDatanet", datanet_id)[0] == word(scene.payer.address)


@sends(
    "registerModel",
    "setPrice",
    "setRevenueRecipient",
    "commitFeatureIndex",
    "setIndexSigner",
    "retireFeatureIndex",
    "deprecateModel",
    "transferModel",
    of="ModelRegistry",
)
def test_a_model_is_administered_and_ends(machine_type: MachineType) -> None:
    scene = Scene(machine_type=machine_type)
    model_id, someone = scene.model(), scene.stranger.address

    def own(name: str, *arguments: object) -> None:
        scene.do(scene.owner, MODEL_REGISTRY, name, *arguments)

    own("setRevenueRecipient", model_id, someone)
    own("setIndexSigner", model_id, someone)
    assert scene.read(MODEL_REGISTRY, "indexSignerOf", model_id) == word(someone)
    own("retireFeatureIndex", scene.index_id)
    assert scene.read(MODEL_REGISTRY, "isRetired", scene.index_id) == 1
    own("deprecateModel", model_id, 0)
    assert scene.read(MODEL_REGISTRY, "isDeprecated", model_id) == 1
    own("transferModel", model_id, scene.payer.address)
    owner, recipient = scene.fields(MODEL_REGISTRY, "getModel", model_id)[:2]
    assert (owner, recipient) == (word(scene.payer.address), word(someone))
