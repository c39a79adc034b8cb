"""What a run is called where it leaves files: the same name for the same request, without torch."""

import hashlib
from typing import Any

from workers.artifacts import canonical_json
from workers.protocol.codec import to_json

FOLDER = "checkpoints"
"""Beside the artefacts."""
DIGITS = 32


def run_name(request: Any) -> str:
    """The name of a training request's run."""
    return digest_of(to_json(request))


def digest_of(value: Any) -> str:
    """A short hash of plain JSON values."""
    return hashlib.sha256(canonical_json.encode(value)).hexdigest()[:DIGITS]
