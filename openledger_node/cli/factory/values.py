"""How the factory's commands read Datanets, artefacts and NAME=VALUE, and hand files to the gateway."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from openledger_node.cli.economy.session import Session, read_file
from openledger_node.cli.economy.values import version_of
from openledger_node.errors import UserError

Repeated = Annotated[list[str] | None, Parameter(negative=())]


async def holdout_of(opened: Session, holdout: str) -> Any:
    """Records to measure on: nothing, an artefact, or a file that the gateway then keeps."""
    if not holdout or holdout.startswith("sha256:"):
        return artifact_of(holdout)
    return await kept_by_gateway(opened, read_file(Path(holdout)))


async def kept_by_gateway(opened: Session, data: bytes) -> Any:
    """The hash under which the gateway keeps these bytes."""
    return await opened.gateway.put_artifact(data)


def artifact_of(text: str) -> Any:
    """An artefact's hash, or nothing; raises UserError."""
    from workers.artifacts.store import parse_id
    from workers.errors import ArtifactError

    try:
        return parse_id(text) if text else ""
    except ArtifactError as error:
        raise UserError(str(error), "factory show RUN names a run's model and manifest") from error


def datanet_of(text: str) -> tuple[int, int]:
    """A Datanet and its version, 0 for the newest; raises UserError."""
    return version_of(text if ":" in text else f"{text}:0")


def pair_of(text: str) -> tuple[str, str]:
    """NAME=VALUE; raises UserError."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise UserError(f"{text!r} is not NAME=VALUE")
    return name, value
