"""Which server of language models the gateway has behind it, and how it gets one."""

from typing import Protocol

from openledger_node.errors import UserError


class TextServer(Protocol):
    """`base` is the folder hash of the base it serves, "" when that is not known."""

    @property
    def url(self) -> str:
        """Where it answers, "" while there is none."""
        ...

    @property
    def base(self) -> str: ...

    async def serve(self, folder: str) -> None:
        """Make it serve a base by its folder's hash, from now on and after a restart; raises UserError."""
        ...


class OutsideServer:
    """A server that somebody else runs, at a fixed URL or nowhere."""

    base = ""

    def __init__(self, url: str = "") -> None:
        self.url = url

    async def serve(self, folder: str) -> None:
        raise UserError(
            f"this gateway does not start servers of its own, for {folder[:12]}… or any other base",
            "give the server that has it by --gateway.text-url",
        )
