"""How much a poster's stake answers for: the pools of its open posts, and of its last few that became final.

What was final yesterday may be found wrong tomorrow, when it cannot be challenged any more; a poster that has
just been paid out much on the strength of its stake posts as much again only on more stake.
Source: protocol, section 3 "Staking" (unfinalized and last E finalized pools: at most half of free stake).
"""

from genesis.addresses import ATTRIBUTION
from genesis.types import Address
from precompiles.host import Host
from precompiles.slots import add_to_slot, mapping_slot
from precompiles.views import attribution as view
from precompiles.views.attribution import Post

RECENT_POSTS = 4
"""So many of a signer's final posts still count."""


def exposure_of(host: Host, signer: Address) -> int:
    """Wei of pools that a signer's stake answers for."""
    recent_wei = host.load(ATTRIBUTION, view.account_slot(view.RECENT_POOLS_SLOT, signer))
    return view.open_liability_of(host, signer) + recent_wei


def note_final(host: Host, posted: Post) -> None:
    """Count a post that became final among the recent ones, in the place of the oldest of them."""
    count_slot = view.account_slot(view.FINAL_POSTS_SLOT, posted.signer)
    count = host.load(ATTRIBUTION, count_slot)
    place_slot = mapping_slot(view.FINAL_POOLS_SLOT, posted.signer, count % RECENT_POSTS)
    oldest_wei = host.load(ATTRIBUTION, place_slot)
    host.store(count_slot, count + 1)
    host.store(place_slot, posted.pool_wei)
    recent_slot = view.account_slot(view.RECENT_POOLS_SLOT, posted.signer)
    add_to_slot(host, ATTRIBUTION, recent_slot, posted.pool_wei - oldest_wei)
