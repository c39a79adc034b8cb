"""What a tool is, and which of a request's tools the answer must call."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tool:
    """A function with a schema of its arguments; `document` is OpenAI's object as templates read it."""

    name: str
    schema: dict[str, Any]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a request offers. `forced` are those of which the answer must call one; none: the model decides.

    `calls` is how many calls an answer may have.
    """

    offered: tuple[Tool, ...]
    forced: tuple[Tool, ...]
    calls: int

    @property
    def documents(self) -> list[dict[str, Any]]:
        """All of them as a chat template takes them."""
        return [tool.document for tool in self.offered]
