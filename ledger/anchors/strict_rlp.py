"""Recursive Length Prefix, read strictly (Ethereum Yellow Paper, appendix B).

Every item has exactly one encoding here: the shortest. Other spellings, bytes left over and nesting beyond what a
block header or a receipt has are refused, so that equal items have equal bytes.

    ProofError
    `-- RlpMalformed
"""

from __future__ import annotations

from ledger.errors import ProofError

DEPTH_MAX = 4
"""A receipt: list, its logs, a log, its topics."""
ITEMS_MAX_COUNT = 20_000
SIZE_MAX_BYTES = 64 * 1024

Item = bytes | list["Item"]


class RlpMalformed(ProofError):
    """Bytes that are no RLP in its one shortest form. The caller trusts nothing of them."""


def decode(data: bytes) -> Item:
    """Return the one item that these bytes are: bytes, or a list of items.

    Raises:
        RlpMalformed: longer than SIZE_MAX_BYTES, not canonical, cut off, followed by more, nested or split too far.
    """
    if len(data) > SIZE_MAX_BYTES:
        raise RlpMalformed(f"RLP: expected at most {SIZE_MAX_BYTES} bytes, got {len(data)}")
    reading = _Reading(data)
    item, end = reading.item(0, len(data), 1)
    if end != len(data):
        raise RlpMalformed(f"RLP: expected one item of {end} bytes, got {len(data) - end} bytes more")
    return item


class _Reading:
    """One reading: the bytes, and how many items were met."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._count = 0

    def item(self, at: int, end: int, depth: int) -> tuple[Item, int]:
        """Return the item that begins at `at` and where it ends; nothing beyond `end` is looked at."""
        self._count += 1
        if self._count > ITEMS_MAX_COUNT:
            raise RlpMalformed(f"RLP: expected at most {ITEMS_MAX_COUNT} items, got more")
        if at >= end:
            raise RlpMalformed(f"RLP: expected an item at byte {at}, got the end")
        first = self._data[at]
        if first < 0x80:
            return self._data[at : at + 1], at + 1
        is_list = first >= 0xC0
        short = first - (0xC0 if is_list else 0x80)
        start, size = (at + 1, short) if short <= 55 else self._long(at, end, short - 55)
        if start + size > end:
            raise RlpMalformed(f"RLP: expected {size} bytes from byte {start}, got {max(0, end - start)}")
        if is_list:
            return self._list(start, start + size, depth), start + size
        found = self._data[start : start + size]
        if size == 1 and found[0] < 0x80:
            raise RlpMalformed(f"RLP: expected byte {found.hex()} at {at} to stand for itself, got a prefix")
        return found, start + size

    def _long(self, at: int, end: int, width: int) -> tuple[int, int]:
        """Return where the payload starts and its length, from a length of `width` bytes."""
        digits = self._data[at + 1 : min(end, at + 1 + width)]
        if len(digits) < width or digits[0] == 0:
            raise RlpMalformed(
                f"RLP: expected a length of {width} bytes without a leading zero, got {digits.hex()}"
            )
        size = int.from_bytes(digits, "big")
        if size <= 55:
            raise RlpMalformed(f"RLP: expected a length of {size} to be one byte, got it as {width + 1}")
        return at + 1 + width, size

    def _list(self, at: int, end: int, depth: int) -> list[Item]:
        if depth > DEPTH_MAX:
            raise RlpMalformed(f"RLP: expected at most {DEPTH_MAX} lists in each other, got more")
        items: list[Item] = []
        while at < end:
            item, at = self.item(at, end, depth + 1)
            items.append(item)
        return items


def as_list(item: Item, what: str) -> list[Item]:
    """Return an item that must be a list. Raises RlpMalformed."""
    if not isinstance(item, list):
        raise RlpMalformed(f"{what}: expected a list, got {len(item)} bytes")
    return item


def as_bytes(item: Item, what: str, size: int | None = None) -> bytes:
    """Return an item that must be bytes, of this size if one is given. Raises RlpMalformed."""
    if isinstance(item, list):
        raise RlpMalformed(f"{what}: expected bytes, got a list of {len(item)}")
    if size is not None and len(item) != size:
        raise RlpMalformed(f"{what}: expected {size} bytes, got {len(item)}")
    return item


def as_number(item: Item, what: str) -> int:
    """Return an item that must be a number: big-endian, no leading zero, at most 8 bytes. Raises RlpMalformed."""
    digits = as_bytes(item, what)
    if len(digits) > 8 or digits[:1] == b"\x00":
        raise RlpMalformed(
            f"{what}: expected a number of up to 8 bytes without a leading zero, got {digits[:40].hex()}"
        )
    return int.from_bytes(digits, "big")


def encoded_number(number: int) -> bytes:
    """Return the RLP of a number below 2^64: the key of a transaction in the tries of a block."""
    digits = number.to_bytes(8, "big").lstrip(b"\x00")
    return digits if len(digits) == 1 and digits[0] < 0x80 else bytes([0x80 + len(digits)]) + digits
