"""What is put and deleted together: parts of one write."""

from dataclasses import dataclass, field


@dataclass
class Batch:
    puts: list[tuple[bytes, bytes]] = field(default_factory=list)
    deletes: list[bytes] = field(default_factory=list)
