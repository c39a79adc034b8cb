"""How the stages stand on each other: L1 blocks at the bottom, attributes of the next L2 block on top.

    l1_traversal → l1_retrieval → frame_queue → channel_assembler → channel_reader → batch_queue → attributes

Nothing is lost by a `TemporaryError`: the stage that was waiting is asked again.
Source: OP Stack specification, derivation, "L2 Chain Derivation Pipeline".
"""

from genesis.spec import RollupConfig, SystemConfig
from rollup_bridge.codec.batch import SingularBatch
from rollup_bridge.derive.attributes import AttributesBuilder
from rollup_bridge.derive.batch_queue import BatchQueue
from rollup_bridge.derive.channel_assembler import ChannelAssembler
from rollup_bridge.derive.channel_reader import ChannelReader
from rollup_bridge.derive.frame_queue import FrameQueue
from rollup_bridge.derive.l1_retrieval import L1Retrieval
from rollup_bridge.derive.l1_traversal import L1Traversal
from rollup_bridge.derive.references import reference
from rollup_bridge.ports import Attributes, BlobSource, L1Block, L1Source, L2Block, L2Blocks


class Pipeline:
    """Starts at L1 block `base`, whose own data is read first. `system` is in force there."""

    def __init__(
        self,
        config: RollupConfig,
        l1: L1Source,
        l2: L2Blocks,
        base: L1Block,
        *,
        system: SystemConfig,
        blobs: BlobSource | None = None,
    ) -> None:
        self._config = config
        self._traversal = L1Traversal(config, l1, base, system)
        self._retrieval = L1Retrieval(l1, config.batch_inbox, blobs)
        self._frames = FrameQueue()
        channels = ChannelAssembler(self._frames, config.channel_timeout)
        self._batches = BatchQueue(config, ChannelReader(channels, config.l2_chain_id), l2, base)
        self._builder = AttributesBuilder(config, l1)
        self._batch: SingularBatch | None = None
        self._loaded = False
        self._drained = False

    @property
    def origin(self) -> L1Block:
        """The L1 block being read."""
        return self._traversal.origin

    @property
    def dropped(self) -> dict[str, int]:
        """Refused batches by reason."""
        return self._batches.dropped

    async def next_attributes(self, parent: L2Block) -> Attributes | None:
        """What comes on top of `parent`, or None when the data up to the origin is used up."""
        if self._drained:
            return None
        await self._load()
        if self._batch is None:
            self._batch = await self._batches.next(reference(self._config, parent), self.origin)
        if self._batch is None:
            self._drained = True
            return None
        attributes = await self._builder.from_batch(parent, self._batch)
        self._batch = None
        return attributes

    async def advance(self) -> bool:
        """Go to the next L1 block, or False if there is none yet."""
        if not await self._traversal.advance():
            return False
        self._loaded = self._drained = False
        return True

    def flush_channel(self) -> None:
        """Drop the rest of the current channel, after one of its blocks proved invalid."""
        self._batches.flush_channel()

    async def _load(self) -> None:
        if self._loaded:
            return
        batcher = self._traversal.system_config.batcher
        for payload in await self._retrieval.batch_data(self.origin, batcher):
            self._frames.load(payload)
        self._loaded = True
