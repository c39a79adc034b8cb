"""How a worker's result comes in: its value, and the artefacts that the node does not have yet, checked.

Covered: names that are none, pieces nobody asked for, content that does not hash to its name (ProtocolError,
upon which the worker is let go and its job done by another). Not covered: a value's meaning.
"""

import asyncio
import base64
import binascii
from typing import Any

from workers.artifacts.store import ArtifactStore, artifact_id, parse_id
from workers.errors import ArtifactError, ProtocolError
from workers.pool.codec import Message, encode_message


class Arrival:
    """One connection's incoming result; `begin`, then `take` while something is missing."""

    def __init__(self, store: ArtifactStore, writer: asyncio.StreamWriter) -> None:
        self._store, self._writer = store, writer
        self._missing: dict[str, bytearray] = {}
        self.value: Any = None

    def begin(self, message: Message) -> bool:
        """Read a `result` and ask for what is missing; True when nothing is."""
        names = message.get("artifacts")
        if "value" not in message or not isinstance(names, list):
            raise ProtocolError("malformed result message")
        self.value = message["value"]
        try:
            missing = [name for name in map(parse_id, map(str, names)) if not self._store.has(name)]
        except ArtifactError as error:
            raise ProtocolError(str(error)) from error
        self._missing = {name: bytearray() for name in missing}
        for name in missing:
            self._writer.write(encode_message({"type": "want", "artifact": name}))
        return not missing

    def take(self, message: Message) -> bool:
        """Keep a piece of an artefact; True when the last one is here."""
        name = str(message.get("artifact"))
        if name not in self._missing:
            raise ProtocolError(f"artefact {name} was not asked for")
        try:
            self._missing[name] += base64.b64decode(str(message.get("data")), validate=True)
        except binascii.Error as error:
            raise ProtocolError(f"artefact {name}: {error}") from error
        if not message.get("last"):
            return False
        data = bytes(self._missing.pop(name))
        if artifact_id(data) != name:
            raise ProtocolError(f"artefact {name} is not what the worker sent")
        self._store.put(data)
        return not self._missing
