"""The draw for records that name parents: whose randomness it is, and how it is kept.

An accepted contribution's derived records are drawn by the `prevRandao` of one L1 block, the policy's
`jury_delay_blocks` after the acceptance: it was not known when the records were fixed, and an accepted
contribution cannot be taken back, so nobody tries again until the draw suits. L1Block forgets after 8,192
blocks; whoever calls first within them has the randomness kept for good, and if nobody did, a later block is
awaited. Contributions whose records name no parents never need one.

Covered: which block, keeping its randomness. Not covered: the draw itself (`genesis.parents`), what becomes
of it (`attribution_parents`). Source: `docs/decisions/0013-parents.md`.
"""

from dataclasses import replace

from genesis.types import ZERO_HASH, Hash32
from precompiles import gas
from precompiles.datanet_access import check_status, existing_contribution
from precompiles.datanet_interface import NOT_DUE_YET, PARENTS_DRAWN, PARENTS_REDRAWN
from precompiles.host import Host
from precompiles.slots import store_struct, update_struct
from precompiles.views import datanets as view
from precompiles.views import l1_block, policy
from precompiles.views.datanets import Acceptance


def note_acceptance(host: Host, contribution_id: int, position: int, first_record: int) -> None:
    """Keep where an accepted contribution stands, and which L1 block draws for its derived records."""
    noted = Acceptance(position, first_record, _coming_origin(host), ZERO_HASH)
    store_struct(host, view.acceptance_slot(contribution_id), view.ACCEPTANCE, noted)


def draw_parents(host: Host, contribution_id: int) -> Hash32:
    """Keep the randomness of a contribution's draw, by anybody; await another block if it is gone.

    Returns it, zero where another block is awaited; calling again changes nothing.
    """
    gas.charge(host, gas.DATANET_REGISTRY["drawParents"])
    check_status(existing_contribution(host, contribution_id), view.ACCEPTED)
    noted = view.acceptance(host, contribution_id)
    if noted.randomness != ZERO_HASH:
        return noted.randomness
    if l1_block.origin(host) < noted.origin:
        raise NOT_DUE_YET(noted.origin)
    randomness = l1_block.randomness(host, noted.origin) or ZERO_HASH
    slot = view.acceptance_slot(contribution_id)
    if randomness == ZERO_HASH:
        awaited = replace(noted, origin=_coming_origin(host))
        update_struct(host, slot, view.ACCEPTANCE, noted, awaited)
        PARENTS_REDRAWN.emit(host, contribution_id, awaited.origin)
    else:
        update_struct(host, slot, view.ACCEPTANCE, noted, replace(noted, randomness=randomness))
        PARENTS_DRAWN.emit(host, contribution_id, noted.origin, randomness)
    return randomness


def _coming_origin(host: Host) -> int:
    """The L1 block whose randomness nobody knows yet."""
    return l1_block.origin(host) + policy.current(host, "jury_delay_blocks")
