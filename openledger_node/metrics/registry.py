"""Which figures the node publishes; every name starts with `openledger_`."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from openledger_node import __version__


class NodeMetrics:
    """Gauges that read the node when they are scraped, so that no service has to push."""

    def __init__(self, role: str) -> None:
        self.registry = CollectorRegistry()
        info = Gauge("openledger_info", "Version and role.", ["version", "role"], registry=self.registry)
        info.labels(__version__, role).set(1)
        up = Gauge("openledger_up", "1 while the node runs.", registry=self.registry)
        up.set(1)
        self._heads = Gauge(
            "openledger_refs_number", "Height of a head.", ["layer", "type"], registry=self.registry
        )

    def watch_head(self, layer: str, kind: str, read: Callable[[], int]) -> None:
        """Publish a head's height as `openledger_refs_number{layer, type}`."""
        self._heads.labels(layer, kind).set_function(read)

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Publish one more gauge, `openledger_<name>`, read at each scrape."""
        Gauge(f"openledger_{name}", help_text, registry=self.registry).set_function(read)
