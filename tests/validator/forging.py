"""A model made from contributions of which one binds another sketch than its record's."""

from genesis.addresses import DATANET_REGISTRY, STAKING
from genesis.commitments import merkle_root, record_leaf
from genesis.spec import OPEN_UNIT
from openledger_node.client.account import dev_account
from openledger_node.client.economy import DATANETS, MODELS, ROLE_VALIDATOR
from openledger_node.client.economy import STAKING as STAKING_CONTRACT
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from tests.jobs.economy import BUILDER, CHAIN_ID, OWNER, Economy
from workers.artifacts import canonical_json
from workers.datasets.contribution import record_leaves
from workers.datasets.kinds import content_hash_of, decode_records

DATANET = 2
FORGER = 2
"""Whose contribution is forged, and which of the model's: accounts count from 1."""
JUROR = 14


def stating(file: bytes, number: int, sketch: bytes) -> bytes:
    """A contribution's file that states a record's sketch."""
    lines = file.splitlines()
    fields = canonical_json.decode(lines[number]) | {"sketch": "0x" + sketch.hex()}
    lines[number] = canonical_json.encode(fields)
    return b"\n".join(lines)


async def forged_model(economy: Economy, files: list[bytes], number: int, sketch: bytes, shown: bytes) -> int:
    """A model from a new Datanet of `files`; the forger binds `sketch` in leaf `number` and publishes
    `shown`."""
    node = economy.node
    name = ("Forged", "sha256:00", bytes(32), b"cc0".ljust(32, b"\0"), 0, 0)
    node.act(OWNER, DATANET_REGISTRY, DATANETS.calldata("createDatanet", *name))
    for person, file in enumerate(files, 1):
        contributor = dev_account(person).address
        records = decode_records(file)
        leaves = record_leaves(records, chain_id=CHAIN_ID, datanet_id=DATANET, contributor=contributor)
        if person == FORGER:
            leaves[number] = record_leaf(
                chain_id=CHAIN_ID,
                datanet_id=DATANET,
                index=number,
                content_hash=content_hash_of(records[number]),
                sketch=sketch,
                contributor=contributor,
                parents=(),
            )
        artifact = economy.store.put(shown if person == FORGER else file)
        terms = (DATANET, merkle_root(leaves), len(records), len(file))
        contribution = len(files) + person
        node.act(person, DATANET_REGISTRY, DATANETS.calldata("contribute", *terms), OPEN_UNIT)
        node.advance(3)
        sender = Sender(Ethereum(node), dev_account(person))
        await sender.transact(DATANETS, "reveal", contribution, f"sha256:{artifact}")
        reviewer = Sender(Ethereum(node), dev_account(OWNER))
        await reviewer.transact(DATANETS, "review", contribution, True, 10_000)
    node.act(OWNER, DATANET_REGISTRY, DATANETS.calldata("publishVersion", DATANET))
    honest = economy.trained.model
    hashes = (bytes.fromhex(honest.model), 0, bytes.fromhex(honest.manifest))
    builder = Sender(Ethereum(node), dev_account(BUILDER))
    await builder.transact(MODELS, "registerModel", *hashes, [DATANET], [1], f"sha256:{honest.manifest}")
    return 2


def stake_a_juror(economy: Economy) -> None:
    """Somebody besides the parties has validator stake."""
    stake = STAKING_CONTRACT.calldata("stake", ROLE_VALIDATOR)
    economy.node.act(JUROR, STAKING, stake, 1_000 * OPEN_UNIT)
    economy.node.advance(2)
