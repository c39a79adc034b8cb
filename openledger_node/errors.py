"""What can go wrong, by consequence, and who catches it.

OpenLedgerError
├── UserError          bad input at an edge; RPC, gateway and CLI turn it into an answer with a remedy
├── StartError         the node must not start; the CLI prints one line and exits 1
├── TemporaryError     retry later with back-off; the calling service's loop catches it
└── CriticalError      stop the node; only the supervisor in `node` catches it

The rollup's own tree (Temporary, Reset, Critical) is in `rollup_bridge.errors`.
"""


class OpenLedgerError(Exception):
    """Root of the house's errors. `code` names the entry in docs/errors.md that explains it."""

    code = "OL-1000"

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(f"{cause}: {remedy}" if remedy else cause)
        self.cause = cause
        self.remedy = remedy


class UserError(OpenLedgerError):
    code = "OL-1100"


class StartError(OpenLedgerError):
    code = "OL-1200"


class TemporaryError(OpenLedgerError):
    code = "OL-1300"


class CriticalError(OpenLedgerError):
    code = "OL-1400"
