"""Whose a name is, where anybody may register the same folder and manifest again."""

from openledger_node.client.account import dev_account
from openledger_node.client.economy import MODELS
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from openledger_node.gateway.catalog import Catalog
from openledger_node.gateway.text_models import TextModels
from tests.jobs.economy import BUILDER, Economy
from tests.jobs.fakes import ManualClock
from workers.artifacts import canonical_json

STRANGER = 7
NAME = "digits/poet@1"


async def register(economy: Economy, account: int) -> int:
    """The same folder under the same name, by whoever."""
    files = {"config.json": economy.store.put(b"{}")}
    folder = economy.store.put(canonical_json.encode({"format": "openledger-folder/1", "files": files}))
    manifest = economy.store.put(canonical_json.encode({"name": "Poet"}))
    sender = Sender(Ethereum(economy.node), dev_account(account))
    hashes = (bytes.fromhex(folder), 1, bytes.fromhex(manifest))
    mined = await sender.transact(MODELS, "registerModel", *hashes, [1], [1], f"sha256:{manifest}")
    return int(mined.event("ModelRegistered").arguments["modelId"])


async def test_a_copy_does_not_take_the_name_of_the_first(economy: Economy) -> None:
    """Its customers would pay the stranger at the stranger's price."""
    first = await register(economy, BUILDER)
    copy = await register(economy, STRANGER)
    models = TextModels(Catalog(economy.reader, ManualClock()), economy.reader, economy.store)
    assert [model.alias for model in await models.all()] == [NAME, NAME]
    assert (await models.find(NAME)).entry.model_id == first
    assert (await models.find(f"model-{copy}")).entry.model_id == copy
    newer = await register(economy, BUILDER)
    assert (await models.find(NAME)).entry.model_id == newer
