"""How to read bounded columns of bytes from untrusted data, front to back."""

from rollup_bridge.errors import MalformedError

_UVARINT_BYTES = 10


class Bits:
    """A list of bits, bit i for element i. Reading one costs the same however long the list is."""

    def __init__(self, raw: bytes) -> None:
        self._reversed = raw[::-1]

    def __getitem__(self, index: int) -> int:
        return self._reversed[index >> 3] >> (index & 7) & 1

    def count(self) -> int:
        """How many are set."""
        return int.from_bytes(self._reversed).bit_count()


class Cursor:
    """Reads forward; every method raises `MalformedError` at the end of the data."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise MalformedError("data is cut off")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def uvarint(self) -> int:
        """Base-128, least significant group first, at most 64 bits; longer forms of small values are
        allowed."""
        value = 0
        for index in range(_UVARINT_BYTES):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if value >> 64:
                    break
                return value
        raise MalformedError("variable-length integer has more than 64 bits")

    def bits(self, count: int) -> Bits:
        """A big-endian bit list of `count` bits, left-padded to whole bytes."""
        raw = self.take(-(-count // 8))
        if count % 8 and raw[0] >> count % 8:
            raise MalformedError("bit list has more bits than elements")
        return Bits(raw)
