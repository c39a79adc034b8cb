"""What Attribution tells: posts, carries, claims and accounts, as they are stored."""

from genesis.addresses import ATTRIBUTION
from genesis.types import Address
from precompiles import attribution_exposure as exposure
from precompiles import gas
from precompiles.attribution_interface import existing_post
from precompiles.host import Host
from precompiles.views import attribution as view
from precompiles.views.attribution import Post


def get_post(host: Host, post_id: int) -> Post:
    """One post."""
    gas.charge(host, gas.ATTRIBUTION["getPost"])
    return existing_post(host, post_id)


def post_of_settlement(host: Host, settlement_id: int) -> int:
    """The post of a settlement that stands, 0 when there is none; the greatest number if it is void."""
    gas.charge(host, gas.ATTRIBUTION["postOfSettlement"])
    return view.post_of_settlement(host, settlement_id)


def carry_of(host: Host, model_id: int) -> int:
    """What waits for a model's next posts: left over by earlier ones, or passed by adapters."""
    gas.charge(host, gas.ATTRIBUTION["carryOf"])
    return view.kept(host, model_id) + view.passed(host, model_id)


def is_claimed(host: Host, post_id: int, contributor_index: int) -> bool:
    """True once a contributor's amount was paid."""
    gas.charge(host, gas.ATTRIBUTION["isClaimed"])
    return host.load(ATTRIBUTION, view.claimed_slot(post_id, contributor_index)) != 0


def earnings_of(host: Host, contributor: Address) -> int:
    """All a contributor was ever paid."""
    gas.charge(host, gas.ATTRIBUTION["earningsOf"])
    return host.load(ATTRIBUTION, view.account_slot(view.EARNINGS_SLOT, contributor))


def slashed_of(host: Host, account: Address) -> int:
    """All that verdicts took from an account's provider stake."""
    gas.charge(host, gas.ATTRIBUTION["slashedOf"])
    return view.slashed_of(host, account)


def reward_of(host: Host, account: Address) -> int:
    """All that verdicts gave an account from slashed stake."""
    gas.charge(host, gas.ATTRIBUTION["rewardOf"])
    return view.reward_of(host, account)


def open_liability_of(host: Host, account: Address) -> int:
    """Pools of unfinalized posts that an account's stake answers for."""
    gas.charge(host, gas.ATTRIBUTION["openLiabilityOf"])
    return view.open_liability_of(host, account)


def exposure_of(host: Host, account: Address) -> int:
    """Pools of unfinalized posts and of the last few that became final: at most half of its stake."""
    gas.charge(host, gas.ATTRIBUTION["exposureOf"])
    return exposure.exposure_of(host, account)
