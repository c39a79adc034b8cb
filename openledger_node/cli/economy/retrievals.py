"""What records that were looked up for answers have earned, by command: listed, and claimed."""

from typing import Any

from openledger_node.cli.economy.session import DEFAULTS, Flat, session
from openledger_node.cli.economy.values import Account
from openledger_node.client.economy import METERING
from openledger_node.client.ethereum import from_hex, hex_bytes


async def retrievals(*, settlement: int | None = None, options: Flat = DEFAULTS) -> None:
    """Show what settlements left to records that were looked up for answers: all, or of one settlement."""
    async with session(options) as opened:
        events = await opened.l2.events(METERING, "RetrievalSettled", None, settlement)
        found = []
        for event in events:
            number = event.arguments["retrievalId"]
            found.append({"retrievalId": number, **await opened.read(METERING, "getRetrieval", number)})
        opened.show({"retrievals": found})


async def claim_retrieval(
    number: int, *, contributor: Account | None = None, options: Flat = DEFAULTS
) -> None:
    """Have what a contributor's retrieved records earned in a settlement paid to it; anybody may send this.

    Parameters
    ----------
    number
        The retrieval, as `infer retrievals` lists it.
    contributor
        Whose records; the signer's unless named.
    """
    async with session(options) as opened:
        whose = await opened.whose(contributor)
        found = await opened.gateway.get(f"/v1/retrievals/{number}/{hex_bytes(whose)}")
        leaf = int(found["contributorIndex"], 16), whose, int(found["amount"], 16)
        opened.show(await opened.write(METERING, "claimRetrieval", number, *leaf, *_proofs(found)))


def _proofs(found: dict[str, Any]) -> tuple[list[bytes], list[int], tuple[Any, ...]]:
    """The leaf's siblings with their sums, and the contributor's place in the version."""
    place = found["membership"]
    numbers = [int(place[name], 16) for name in ("position", "contributionId", "firstRecord")]
    siblings = [from_hex(each) for each in found["siblings"]]
    sums = [int(each, 16) for each in found["siblingSums"]]
    return siblings, sums, (*numbers, [from_hex(each) for each in place["proof"]])
