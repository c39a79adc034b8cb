"""Payouts to accounts with code: they arrive, none of that code runs, and nobody is paid twice.

Natively and by the twins, in the node's own frames. The code: accounts delegated by EIP-7702, to code that
writes, never ends or is a precompile's; contracts that refuse money, destroy themselves, write when they are
paid; and an address that CREATE2 makes and destroys before, after and in the transaction that pays it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, DATANET_REGISTRY, INFERENCE_METERING, STAKING
from genesis.keccak import keccak256
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import claim_digest
from genesis.types import Address
from precompiles import attribution_interface as interface
from precompiles.views.attribution import ClaimOrder
from tests.precompiles import test_metering_requests as requests
from tests.precompiles.calls import UNIT, Account, calldata
from tests.precompiles.compiled_twins import CompiledTwinMachine, NativeFrameMachine
from tests.precompiles.evidence import Posted
from tests.precompiles.jury_scene import JURY_POLICY, JuryScene
from tests.precompiles.retrieval_scene import RetrievalScene
from tests.precompiles.scene import FEES_WEI, Scene
from tests.precompiles.world import Call

Frames = type[CompiledTwinMachine]
MACHINES: tuple[Frames, ...] = (NativeFrameMachine, CompiledTwinMachine)
ELSEWHERE, BENEFICIARY = Address(b"\x99" * 20), Address(b"\x98" * 20)
WRITER, LOOPER, FACTORY = (Address(bytes((i,)) * 20) for i in (0x71, 0x72, 0x73))
WRITES = bytes.fromhex("6001600055")
LOOPS = bytes.fromhex("5b600056")
DELEGATION = bytes.fromhex("ef0100")
PAYEES = {
    "delegated to code that writes": DELEGATION + WRITER,
    "delegated to code without end": DELEGATION + LOOPER,
    "delegated to a precompile": DELEGATION + ATTRIBUTION,
    "refuses money": bytes.fromhex("60006000fd"),
    "destroys itself": bytes.fromhex("73") + BENEFICIARY + b"\xff",
    "writes": WRITES,
}
DESTROYED = bytes.fromhex("73") + BENEFICIARY + b"\xff"
"""Runs in a constructor: sends what the address holds to the beneficiary, and the contract is gone."""
SALT = bytes(32)
MADE = Address(keccak256(b"\xff" + FACTORY + SALT + keccak256(DESTROYED))[12:])


def factory_code() -> bytes:
    """Makes `MADE` by CREATE2, then calls the address in the first word with the rest; returns success."""
    size = len(DESTROYED)
    parts = [
        f"{0x60 + size - 1:02x}{DESTROYED.hex()}5f52",  # the constructor, at the end of word 0
        f"5f60{size:02x}60{32 - size:02x}5ff550",  # create2(0, 32 - size, size, 0)
        "60203603" + "60205f37",  # calldatacopy(0, 32, calldatasize - 32)
        "5f5f" + "60203603" + "5f5f5f355af1",  # call(gas, target, 0, 0, calldatasize - 32, 0, 0)
        "5f5260205ff3",
    ]
    return bytes.fromhex("".join(parts))


@pytest.fixture(params=MACHINES)
def machine_type(request: pytest.FixtureRequest) -> Frames:
    found: Frames = request.param
    return found


def frames(scene: Scene) -> CompiledTwinMachine:
    assert isinstance(scene.machine, CompiledTwinMachine)
    return scene.machine


def give(scene: Scene, code: bytes, *accounts: Address) -> None:
    machine = frames(scene)
    machine.give_code(WRITER, WRITES)
    machine.give_code(LOOPER, LOOPS)
    for account in accounts:
        machine.give_code(account, code)


def pays(
    scene: Scene, source: Address, recipient: Address, amount_wei: int, attempt: Callable[[], Any]
) -> None:
    """The first attempt moves the amount, the second is refused and moves nothing."""
    machine = frames(scene)
    before = machine.balance(source), machine.balance(recipient)
    after = before[0] - amount_wei, before[1] + amount_wei
    assert amount_wei > 0
    for succeeds in (True, False):
        assert attempt().succeeded == succeeds
        assert (machine.balance(source), machine.balance(recipient)) == after
    assert not machine.written(recipient)
    assert machine.balance(BENEFICIARY) == 0


class Payouts(RetrievalScene):
    """Everything that is paid out, ready to be."""

    def __init__(self, machine_type: Frames) -> None:
        super().__init__(machine_type)
        self.shared = self.tree([10**15, 2 * 10**15])
        self.settle_shares(self.share(self.shared))
        self.settlement_id = self.settle(self.open_channel())
        self.posted = self.prepare_post([self.settlement_id])
        self.post_id = self.send_post(self.posted)
        self.wait(self.policy.post_window_s + 1)
        self.do(self.stranger, ATTRIBUTION, "finalize", self.post_id)
        self.do(self.stranger, INFERENCE_METERING, "releaseEarnings", [self.settlement_id])

    def order(self, position: int, recipient: Address) -> tuple[Any, ...]:
        """Arguments of `claimFor`, signed by the contributor."""
        posted: Posted = self.posted
        deadline_s = self.machine.moment.timestamp_s + 10
        signer = Account(21 + position)
        order = ClaimOrder(self.post_id, position, signer.address, recipient, deadline_s)
        fields = (self.post_id, position, signer.address, recipient, deadline_s, DEV_L2_CHAIN_ID)
        signature = signer.sign(claim_digest(*fields))
        return order, self.amount(position), *posted.amounts.siblings(position), signature

    def amount(self, position: int) -> int:
        return self.posted.amounts.leaves[position][1]

    def pays_from(
        self, sender: Account | Address, source: Address, to: Address, amount: int, *method: Any
    ) -> None:
        """A method of the source pays this to an account, once."""
        name, *arguments = method
        pays(self, source, to, amount, lambda: self.attempt(sender, source, name, *arguments))


def test_code_does_run_where_it_is_called(machine_type: Frames) -> None:
    """So that its silence below says something."""
    scene = Scene(machine_type=machine_type)
    give(scene, PAYEES["writes"], ELSEWHERE)
    assert frames(scene).call(Call(scene.stranger.address, ELSEWHERE, b"")).succeeded
    assert frames(scene).written(ELSEWHERE) == {0}


@pytest.mark.parametrize("code", PAYEES.values(), ids=PAYEES.keys())
def test_contributors_provider_payer_and_staker_are_paid_once(machine_type: Frames, code: bytes) -> None:
    scene = Payouts(machine_type)
    refunded = requests.ask(scene)
    first, second = scene.contributors[:2]
    payer, provider, validator = (each.address for each in (scene.payer, scene.provider, scene.validator))
    scene.do(scene.validator, STAKING, "stake", 1, value_wei=3)
    scene.do(scene.validator, STAKING, "requestUnstake", 1, 3)
    scene.do(scene.payer, INFERENCE_METERING, "requestClose", scene.channel_id)
    scene.wait(max(scene.policy.unbonding_s, scene.policy.close_delay_s, 101) + 1)
    earned_wei = scene.read(INFERENCE_METERING, "earningsOf", provider)
    give(scene, code, first, second, payer, provider, validator, ELSEWHERE)
    claim = scene.claim_arguments(scene.post_id, scene.posted, 0)
    scene.pays_from(scene.stranger, ATTRIBUTION, first, scene.amount(0), "claim", *claim)
    order = scene.order(1, ELSEWHERE)
    scene.pays_from(scene.stranger, ATTRIBUTION, ELSEWHERE, scene.amount(1), "claimFor", *order)
    metering = INFERENCE_METERING
    scene.pays_from(provider, metering, ELSEWHERE, earned_wei, "withdrawEarnings", ELSEWHERE)
    share = scene.claim_arguments_of(scene.shared, 1)
    scene.pays_from(scene.stranger, metering, second, 2 * 10**15, "claimRetrieval", *share)
    scene.pays_from(scene.stranger, metering, payer, 10 * UNIT, "refundRequest", refunded)
    rest = 100 * UNIT - sum(FEES_WEI)
    scene.pays_from(payer, metering, payer, rest, "withdraw", scene.channel_id)
    bond_wei = scene.policy.contribution_bond_wei
    contribution_id = scene.contributions[0][0]
    scene.pays_from(first, DATANET_REGISTRY, first, bond_wei, "withdrawBond", contribution_id)
    scene.pays_from(validator, STAKING, validator, 3, "withdraw", 1)


@pytest.mark.parametrize("code", PAYEES.values(), ids=PAYEES.keys())
def test_jurors_and_challengers_are_paid_once(machine_type: Frames, code: bytes) -> None:
    scene = JuryScene(machine_type)
    case_id = scene.open()
    validator = scene.validator.address
    scene.draw(case_id)
    scene.vote(case_id, scene.all_say(2))
    give(scene, code, validator, *(each.address for each in scene.jurors))
    cost_wei = 3 * JURY_POLICY.juror_fee_wei
    returned_wei = JURY_POLICY.challenge_bond_wei - cost_wei

    def close() -> Any:
        return scene.attempt(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)

    pays(scene, ATTRIBUTION, validator, returned_wei, close)
    for juror in scene.jurors:

        def draw_pay(juror: Account = juror) -> Any:
            return scene.attempt(juror, ATTRIBUTION, "claimJurorPay", case_id)

        pays(scene, ATTRIBUTION, juror.address, JURY_POLICY.juror_fee_wei, draw_pay)
    assert frames(scene).balance(ATTRIBUTION) == 0


# --- An address that comes and goes -----------------------------------------------------------------------


@pytest.fixture
def paid(machine_type: Frames) -> Payouts:
    scene = Payouts(machine_type)
    frames(scene).give_code(FACTORY, factory_code())
    return scene


def make(scene: Scene, target: Address = ELSEWHERE, data: bytes = b"") -> bool:
    """One transaction that makes and destroys `MADE`, then makes a call; whether that succeeded."""
    outcome = frames(scene).call(Call(scene.stranger.address, FACTORY, bytes(12) + target + data))
    assert outcome.succeeded
    assert outcome.data is not None
    return outcome.data[-1] == 1


def claim_again_is_refused(scene: Payouts, arguments: tuple[Any, ...]) -> None:
    again = scene.refuse(scene.stranger, ATTRIBUTION, "claimFor", *arguments)
    assert again == interface.ALREADY_CLAIMED(scene.post_id, 0).data


def test_what_an_address_got_before_it_was_made_leaves_it_once(paid: Payouts) -> None:
    arguments = paid.order(0, MADE)
    paid.do(paid.stranger, ATTRIBUTION, "claimFor", *arguments)
    for _ in range(2):
        assert make(paid)
        assert frames(paid).balance(MADE) == 0
        assert frames(paid).balance(BENEFICIARY) == paid.amount(0)
    claim_again_is_refused(paid, arguments)


def test_what_an_address_gets_after_it_is_gone_waits_for_it(paid: Payouts) -> None:
    assert make(paid)
    arguments = paid.order(0, MADE)
    paid.do(paid.stranger, ATTRIBUTION, "claimFor", *arguments)
    assert frames(paid).balance(MADE) == paid.amount(0)
    claim_again_is_refused(paid, arguments)
    assert make(paid)
    assert frames(paid).balance(BENEFICIARY) == paid.amount(0)


def test_what_an_address_gets_in_the_transaction_that_destroyed_it_is_its_own_loss(paid: Payouts) -> None:
    """EIP-6780: what comes to it until the transaction ends is gone; the books say paid, as they should."""
    arguments = paid.order(0, MADE)
    before_wei = frames(paid).balance(ATTRIBUTION)
    assert make(paid, ATTRIBUTION, calldata(ATTRIBUTION, "claimFor", *arguments))
    assert frames(paid).balance(ATTRIBUTION) == before_wei - paid.amount(0)
    assert frames(paid).balance(MADE) == frames(paid).balance(BENEFICIARY) == 0
    claim_again_is_refused(paid, arguments)
    assert make(paid)
    assert frames(paid).balance(BENEFICIARY) == 0
