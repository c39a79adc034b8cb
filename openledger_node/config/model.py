"""Every setting an operator can make: one frozen section per component, one model for flags, environment
variables and TOML keys.

A field `http.port` is the flag `--http.port`, the variable `OPENLEDGER_HTTP_PORT` and the key `port` under
`[http]`. Precedence: flag, environment, file, default.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import BaseModel, ConfigDict, Field, field_validator

from genesis.networks import L2_BLOCK_GAS_LIMIT
from openledger_node.logs import LogFormat, LogLevel

LEAST_STATES = 64
"""Calls under way must find the state they began with."""

Role = Literal["sequencer", "batcher", "proposer", "verifier", "validator", "gateway"]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSection(Section):
    """JSON-RPC over HTTP, with WebSocket upgrade on the same port."""

    host: str = "127.0.0.1"
    port: int = Field(default=8545, ge=0, le=65535)


class WsSection(Section):
    """JSON-RPC over WebSocket only."""

    port: int = Field(default=8546, ge=0, le=65535)


class GatewaySection(Section):
    """The paid inference API, the artefact store and the web app."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    text_url: str | None = None
    """Server of language models in vLLM's dialect; without it the node starts OpenLoRA on what it is told."""
    artifacts_url: str = ""
    """Bucket that keeps all files besides the data directory, as `s3://bucket/prefix`; keys and endpoint come
    from the AWS_… variables."""
    calls_per_minute: int = Field(default=600, ge=0)
    """What one customer may ask for; 0 is no limit."""
    retrieval_datanet: int = Field(default=0, ge=0)
    """Datanet whose records are looked up for requests that do not say where; 0 is none."""


class MetricsSection(Section):
    """Prometheus exposition and health."""

    host: str = "127.0.0.1"
    port: int = Field(default=7300, ge=0, le=65535)


class L1Section(Section):
    """The chain underneath. Without a URL, `dev` starts an embedded one on `port`."""

    url: str | None = None
    """JSON-RPC of an L1 node; several, with commas between, are asked in this order."""
    trust: bool = False
    """Take the L1 node's word for headers, transactions and logs instead of checking them."""
    beacon: str | None = None
    """Beacon node that gives blobs back; several likewise. Needed to follow a rollup that posts blobs."""
    port: int = Field(default=7545, ge=0, le=65535)
    block_time: int = Field(default=2, ge=1, le=60)


class TxpoolSection(Section):
    """Transactions that wait for a block."""

    price_floor: int = Field(default=0, ge=0)
    """Least priority fee, in wei per gas."""
    transactions: int = Field(default=16_384, ge=16)
    megabytes: int = Field(default=128, ge=1)
    lifetime: int = Field(default=3 * 3600, ge=1)
    """Seconds a transaction is kept that waits for one before it."""


class RollupSection(Section):
    """What names the network to a follower: files written by `dev` or `genesis`."""

    config: Path | None = None
    genesis: Path | None = None


class BatcherSection(Section):
    """How batches are written on the L1."""

    data: Literal["auto", "calldata", "blobs"] = "auto"
    """`auto` takes what is cheaper now; calldata where no `--l1.beacon` could read blobs back."""
    in_flight: int = Field(default=4, ge=1, le=16)
    """Transactions waiting for the L1 at a time."""


class FeedSection(Section):
    """Blocks as the sequencer seals them, signed, over WebSocket."""

    host: str = "127.0.0.1"
    port: int = Field(default=9642, ge=0, le=65535)
    """Where a sequencer with `--keys.sequencer`, or a relay, serves its feed."""
    url: str | None = None
    """Feed to follow, as `ws://host:9642`: moves the unsafe head only."""
    relay: bool = False
    """Pass the followed feed on to others, on `port`; needs no key."""


class VerifierSection(Section):
    """The verifier that `dev` runs beside the sequencer."""

    port: int = Field(default=8547, ge=0, le=65535)


class L2Section(Section):
    """The node a validator reads from."""

    url: str | None = None
    artifacts: str | None = None
    """Where artefacts are fetched from, as `http://host/artifacts`; several hosts, separated by commas, are
    tried in turn."""


class KeysSection(Section):
    """Files with one hex private key each (mode 0600) or keystore v3 JSON."""

    sequencer: Path | None = None
    """Signs the feed; its address is `unsafeBlockSigner` of the L1's SystemConfig."""
    batcher: Path | None = None
    proposer: Path | None = None
    provider: Path | None = None
    validator: Path | None = None


class LogSection(Section):
    level: LogLevel = "info"
    format: LogFormat = "console"


class WorkersSection(Section):
    """Who does the AI work of a provider's node."""

    count: int = Field(default=1, ge=0, le=1_024)
    """Worker processes, each with one job at a time; further ones may join with `worker --connect`."""
    ray: str | None = None
    """Start them on this Ray cluster (HOST:PORT, ray://… or auto) instead of on this machine."""
    listen: str = "tcp:127.0.0.1:0"
    """Where workers connect to; for a cluster an address that its machines reach."""


class NodeConfig(Section):
    """What every node command shares."""

    datadir: Path | None = None
    """Where the chain lives; `dev` without it keeps everything in a temporary folder and deletes it."""
    min_free_disk: int = Field(default=256, ge=0)
    """Megabytes that stay free on the data directory's disk: the node stops in order before it is full."""
    state_history: Annotated[int | None, Field(ge=0)] = None
    """How many states behind the head to keep, 0 for all of them; without it, what the data directory does
    already, which is all for a new one. Blocks, receipts and indexes are always kept."""
    http: HttpSection = HttpSection()
    ws: WsSection = WsSection()
    gateway: GatewaySection = GatewaySection()
    workers: WorkersSection = WorkersSection()
    metrics: MetricsSection = MetricsSection()
    l1: L1Section = L1Section()
    l2: L2Section = L2Section()
    rollup: RollupSection = RollupSection()
    batcher: BatcherSection = BatcherSection()
    feed: FeedSection = FeedSection()
    txpool: TxpoolSection = TxpoolSection()
    keys: KeysSection = KeysSection()
    log: LogSection = LogSection()

    @field_validator("state_history")
    @classmethod
    def _enough_states(cls, value: int | None) -> int | None:
        if value is not None and 0 < value < LEAST_STATES:
            raise ValueError(f"keep at least {LEAST_STATES} states, or 0 for all")
        return value


class DevConfig(NodeConfig):
    """`openledger-node dev`: a whole network on one machine."""

    block_time: int = Field(default=1, ge=1, le=60)
    """Seconds per L2 block."""
    config_out: Path | None = None
    """Write accounts, addresses and URLs as JSON to this file once everything is up."""
    verifier: VerifierSection = VerifierSection()


class RunConfig(NodeConfig):
    """`openledger-node run`: one network node."""

    role: tuple[Role, ...] = ("verifier",)

    @field_validator("role", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """`--role a,b` is `--role a --role b`."""
        if isinstance(value, (str, tuple, list)):
            texts = [value] if isinstance(value, str) else value
            return [part.strip() for text in texts for part in str(text).split(",")]
        return value


class EthereumConfig(NodeConfig):
    """`openledger-node ethereum`: plain Ethereum, as the embedded L1 or over a given chain."""

    dev: bool = False
    """Fund the public development accounts and mine a block every `l1.block-time` seconds."""
    gas_limit: int = Field(default=L2_BLOCK_GAS_LIMIT, ge=5_000_000)
    """Of every block of the development chain."""
    genesis: Path | None = None
    """Serve the chain of this genesis file (geth's format), which makes no blocks of its own."""
    import_: Annotated[Path | None, Parameter(name="import")] = None
    """Blocks to add to that chain before serving it: a file of RLP blocks one after the other."""
