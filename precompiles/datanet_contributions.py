"""Contributions to a Datanet, from commit to review, and their bonds.

Admission: open takes anybody's contribution, allow-list those of listed accounts and the owner, curated those
of curators; every contribution is reviewed in all three. Whoever is not reviewed may take it back.
Source: protocol, section 3 "Datanet".
"""

from dataclasses import replace

from genesis.addresses import DATANET_REGISTRY
from genesis.types import ZERO_HASH, Hash32
from precompiles import gas
from precompiles.checks import MAXIMUM_COUNT, require, require_text
from precompiles.datanet_access import (
    check_admission,
    check_status,
    existing_contribution,
    existing_datanet,
    is_curator_of,
    own_contribution,
)
from precompiles.datanet_interface import (
    BOND_RETURNED,
    CONTRIBUTION_CANCELLED,
    CONTRIBUTION_COMMITTED,
    CONTRIBUTION_REVEALED,
    CONTRIBUTION_REVIEWED,
    NOT_CURATOR,
    TOO_EARLY,
    WRONG_BOND,
    WRONG_STATUS,
)
from precompiles.datanet_parents import note_acceptance
from precompiles.datanet_versions import append
from precompiles.host import Host
from precompiles.slots import mapping_slot, store_struct, update_struct
from precompiles.views import datanets as view
from precompiles.views import policy
from precompiles.views.datanets import Contribution

MAXIMUM_QUALITY = 10_000
MAXIMUM_SIZE_BYTES = 2**64


def contribute(host: Host, datanet_id: int, root: Hash32, records: int, size_bytes: int) -> int:
    """Commit a contribution's root against the policy's bond; its block is its priority."""
    gas.charge(host, gas.DATANET_REGISTRY["contribute"])
    datanet = existing_datanet(host, datanet_id)
    check_admission(host, datanet_id, datanet)
    require(root != ZERO_HASH, "root")
    require(0 < records <= MAXIMUM_COUNT, "records")
    require(0 < size_bytes <= MAXIMUM_SIZE_BYTES, "sizeBytes")
    bond = policy.current(host, "contribution_bond_wei")
    if host.value_wei != bond:
        raise WRONG_BOND(bond, host.value_wei)
    contribution_id = host.load(DATANET_REGISTRY, view.CONTRIBUTION_COUNT_SLOT) + 1
    host.store(view.CONTRIBUTION_COUNT_SLOT, contribution_id)
    committed = Contribution(
        datanet_id, host.caller, root, records, size_bytes, bond, host.block_number, view.COMMITTED, 0
    )
    store_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, committed)
    reveal_block = host.block_number + policy.current(host, "reveal_delay_blocks")
    host.store(mapping_slot(view.REVEAL_BLOCK_SLOT, contribution_id), reveal_block)
    counted = replace(datanet, contributions=datanet.contributions + 1)
    update_struct(host, view.datanet_slot(datanet_id), view.DATANET, datanet, counted)
    CONTRIBUTION_COMMITTED.emit(
        host, datanet_id, contribution_id, host.caller, root, records, size_bytes, bond
    )
    return contribution_id


def reveal(host: Host, contribution_id: int, uri: bytes) -> None:
    """Name the content of a committed contribution."""
    gas.charge(host, gas.DATANET_REGISTRY["reveal"], gas.words(uri))
    contribution = own_contribution(host, contribution_id)
    check_status(contribution, view.COMMITTED)
    reveal_block = host.load(DATANET_REGISTRY, mapping_slot(view.REVEAL_BLOCK_SLOT, contribution_id))
    if host.block_number < reveal_block:
        raise TOO_EARLY(reveal_block)
    require(len(uri) > 0, "uri")
    require_text(uri, "uri")
    revealed = replace(contribution, status=view.REVEALED)
    update_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, contribution, revealed)
    CONTRIBUTION_REVEALED.emit(host, contribution.datanet_id, contribution_id, uri)


def review(host: Host, contribution_id: int, accept: bool, quality: int) -> None:
    """Accept or reject a revealed contribution; an accepted one joins the Datanet's append-only tree."""
    gas.charge(host, gas.DATANET_REGISTRY["review"])
    contribution = existing_contribution(host, contribution_id)
    datanet = view.datanet(host, contribution.datanet_id)
    if not is_curator_of(host, contribution.datanet_id, datanet, host.caller):
        raise NOT_CURATOR(host.caller)
    check_status(contribution, view.REVEALED)
    require(quality <= MAXIMUM_QUALITY, "quality")
    status = view.ACCEPTED if accept else view.REJECTED
    reviewed = replace(contribution, status=status, quality=quality)
    update_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, contribution, reviewed)
    position, first_record = (datanet.accepted, datanet.records) if accept else (0, 0)
    if accept:
        append(host, contribution_id, contribution, datanet)
        note_acceptance(host, contribution_id, position, first_record)
    CONTRIBUTION_REVIEWED.emit(
        host, contribution.datanet_id, contribution_id, host.caller, accept, quality, position, first_record
    )


def withdraw_bond(host: Host, contribution_id: int) -> None:
    """Return the bond of a reviewed or cancelled contribution to its contributor."""
    gas.charge(host, gas.DATANET_REGISTRY["withdrawBond"])
    contribution = own_contribution(host, contribution_id)
    if contribution.status not in (view.ACCEPTED, view.REJECTED, view.CANCELLED):
        raise WRONG_STATUS(contribution.status)
    require(contribution.bond_wei > 0, "bond")
    returned = replace(contribution, bond_wei=0)
    update_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, contribution, returned)
    host.transfer(host.caller, contribution.bond_wei)
    BOND_RETURNED.emit(host, contribution_id, host.caller, contribution.bond_wei)


def cancel(host: Host, contribution_id: int) -> None:
    """Take back a contribution that is not reviewed yet; its bond can then be withdrawn."""
    gas.charge(host, gas.DATANET_REGISTRY["cancel"])
    contribution = own_contribution(host, contribution_id)
    if contribution.status not in (view.COMMITTED, view.REVEALED):
        raise WRONG_STATUS(contribution.status)
    cancelled = replace(contribution, status=view.CANCELLED)
    update_struct(host, view.contribution_slot(contribution_id), view.CONTRIBUTION, contribution, cancelled)
    CONTRIBUTION_CANCELLED.emit(host, contribution.datanet_id, contribution_id)
