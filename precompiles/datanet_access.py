"""Which Datanets, contributions and versions there are, and who may act on them: readings that refuse."""

from genesis.addresses import DATANET_REGISTRY
from genesis.types import Address
from precompiles.datanet_interface import (
    CONTRIBUTION_NOT_FOUND,
    DATANET_NOT_FOUND,
    NOT_CONTRIBUTOR,
    NOT_CURATOR,
    NOT_OWNER,
    VERSION_NOT_FOUND,
    WRONG_STATUS,
)
from precompiles.host import Host
from precompiles.slots import mapping_slot
from precompiles.views import datanets as view
from precompiles.views.datanets import Contribution, Datanet, Version


def existing_datanet(host: Host, datanet_id: int) -> Datanet:
    """The Datanet, or a revert."""
    if not view.exists(host, datanet_id):
        raise DATANET_NOT_FOUND(datanet_id)
    return view.datanet(host, datanet_id)


def owned_datanet(host: Host, datanet_id: int) -> Datanet:
    """The Datanet, if the caller owns it."""
    datanet = existing_datanet(host, datanet_id)
    if datanet.owner != host.caller:
        raise NOT_OWNER(host.caller)
    return datanet


def existing_version(host: Host, datanet_id: int, number: int) -> Version:
    """A published version, or a revert."""
    datanet = existing_datanet(host, datanet_id)
    if not 0 < number <= datanet.versions:
        raise VERSION_NOT_FOUND(datanet_id, number)
    return view.version(host, datanet_id, number)


def existing_contribution(host: Host, contribution_id: int) -> Contribution:
    """The contribution, or a revert."""
    contribution = view.contribution(host, contribution_id)
    if contribution.status == 0:
        raise CONTRIBUTION_NOT_FOUND(contribution_id)
    return contribution


def own_contribution(host: Host, contribution_id: int) -> Contribution:
    """The contribution, if it is the caller's."""
    contribution = existing_contribution(host, contribution_id)
    if contribution.contributor != host.caller:
        raise NOT_CONTRIBUTOR(host.caller)
    return contribution


def check_status(contribution: Contribution, required: int) -> None:
    """Revert unless the contribution is in the required state."""
    if contribution.status != required:
        raise WRONG_STATUS(contribution.status)


def is_curator_of(host: Host, datanet_id: int, datanet: Datanet, account: Address) -> bool:
    """True for the owner and for accounts the owner let review."""
    listed = host.load(DATANET_REGISTRY, mapping_slot(view.CURATORS_SLOT, datanet_id, account))
    return account == datanet.owner or listed != 0


def check_admission(host: Host, datanet_id: int, datanet: Datanet) -> None:
    """Revert unless the Datanet's admission rule lets the caller contribute."""
    listed = host.load(DATANET_REGISTRY, mapping_slot(view.CONTRIBUTORS_SLOT, datanet_id, host.caller))
    is_allowed = host.caller == datanet.owner or listed != 0
    if datanet.admission == view.ADMISSION_ALLOW_LIST and not is_allowed:
        raise NOT_CONTRIBUTOR(host.caller)
    may_review = is_curator_of(host, datanet_id, datanet, host.caller)
    if datanet.admission == view.ADMISSION_CURATED and not may_review:
        raise NOT_CURATOR(host.caller)
