"""Which layouts the store has had, and how an older one becomes the newest: numbered steps, applied in order.

Step n turns schema n into schema n + 1. It must be safe to run again after a crash in the middle.
"""

from collections.abc import Callable, Sequence

from openledger_node.errors import StartError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue

FIRST_SCHEMA = 1
Migration = Callable[[KeyValue], None]


def _may_be_pruned(_store: KeyValue) -> None:
    """1 to 2: a store may count the places of its trie nodes, which older programs would not go on with. One
    of schema 1 keeps every state and counts nothing: that is valid as it is."""


MIGRATIONS: Sequence[Migration] = (_may_be_pruned,)
SCHEMA = FIRST_SCHEMA + len(MIGRATIONS)


def migrate(store: KeyValue, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the store to the newest schema; an empty store gets it written. Raises `StartError` if the store
    is newer than this program."""
    newest = FIRST_SCHEMA + len(migrations)
    stored = store.get(keys.SCHEMA)
    version = newest if stored is None else int.from_bytes(stored, "big")
    if version > newest:
        raise StartError(
            f"the data directory has schema {version}, this program knows up to {newest}",
            "install a newer version of openledger-node",
        )
    for step in migrations[version - FIRST_SCHEMA :]:
        step(store)
        version += 1
        _write(store, version)
    if stored is None:
        _write(store, newest)


def _write(store: KeyValue, version: int) -> None:
    store.write([(keys.SCHEMA, version.to_bytes(4, "big"))])
