"""What the settings say of anchors: which RPCs serve which chain, and where a stamp can be looked up.

TALLYSTICK_ANCHOR_RPC       chain_id=url, by comma, several of one chain allowed; or @/path of a file with one a line
TALLYSTICK_ANCHOR_EXPLORER  chain_id=pattern, by comma, or one pattern for all, with {chain_id}, {tx} or {block} in it

An RPC's address may hold the operator's key to it: it is never shown, not even where it is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ledger.canonical import INTEGER_MAX

ANCHOR_GAS = 75_000
"""Of one anchor: the worst case at 10^6 entries, rounded up (contracts/GAS.md)."""
RPCS_PER_CHAIN_MAX = 9
CHAINS_MAX = 20
FILE_BYTES_MAX = 20_000
PATTERN_CHARS_MAX = 300
_CHAIN = re.compile(r"[1-9][0-9]{0,15}")
_PLACES = re.compile(r"\{([^{}]*)\}")
PLACES = ("chain_id", "tx", "block")


def read_rpcs(given: str) -> dict[int, tuple[str, ...]]:
    """Return chain id -> the addresses of its RPCs, in the order given; empty for "".

    Raises:
        ValueError: says which one, by its number; never the address.
    """
    found: dict[int, list[str]] = {}
    for number, one in enumerate(_listed(given), start=1):
        chain, equals, url = one.partition("=")
        if not equals or not _is_chain(chain):
            raise ValueError(
                f"RPC {number}: expected chain_id=url such as 11155111=https://..., got another form"
            )
        if not _is_http(url):
            raise ValueError(f"RPC {number}: expected an http or https address after {chain}=, got another")
        urls = found.setdefault(int(chain), [])
        if url in urls:
            raise ValueError(f"RPC {number}: expected an address once for chain {chain}, got it again")
        urls.append(url)
        if len(urls) > RPCS_PER_CHAIN_MAX or len(found) > CHAINS_MAX:
            most = f"{RPCS_PER_CHAIN_MAX} RPCs of a chain and {CHAINS_MAX} chains"
            raise ValueError(f"RPC {number}: expected at most {most}, got more")
    return {chain: tuple(urls) for chain, urls in found.items()}


def _listed(given: str) -> list[str]:
    if given.startswith("@"):
        given = _from_file(Path(given[1:]))
    return [
        one.strip() for one in re.split(r"[,\n]", given) if one.strip() and not one.strip().startswith("#")
    ]


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ValueError(
            f"{path}: expected a file with one chain_id=url a line, got {error.strerror}"
        ) from error
    if len(data) > FILE_BYTES_MAX:
        raise ValueError(f"{path}: expected at most {FILE_BYTES_MAX} bytes, got more")
    return data.decode("utf-8", "replace")


def _is_chain(text: str) -> bool:
    return bool(_CHAIN.fullmatch(text)) and int(text) <= INTEGER_MAX


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and url.isascii() and url.isprintable()


def read_patterns(given: str) -> dict[int | None, str]:
    """Return chain id (None: all others) -> the pattern of an address at which a stamp can be looked up.

    Raises:
        ValueError: expected and got.
    """
    found: dict[int | None, str] = {}
    for one in (part.strip() for part in given.split(",")):
        if not one:
            continue
        chain, equals, rest = one.partition("=")
        key, pattern = (int(chain), rest) if equals and _is_chain(chain) else (None, one)
        _check_pattern(pattern)
        if key in found:
            raise ValueError(f"pattern: expected one for {key or 'all chains'}, got two")
        found[key] = pattern
    return found


def _check_pattern(pattern: str) -> None:
    expected = "expected https://... (or http:// to this machine) with {chain_id}, {tx} or {block} in it"
    unknown = [name for name in _PLACES.findall(pattern) if name not in PLACES]
    plain = _PLACES.sub("0", pattern)
    try:
        parts = urlsplit(plain)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"pattern: {expected}, got {pattern[:80]!r}") from error
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1"))
    whole = bool(host) and "@" not in parts.netloc and not set(plain) & set(" {}\"'<>\\`")
    where = urlsplit(pattern).netloc
    if unknown or not safe or not whole or "{" in where or not pattern.isascii() or not pattern.isprintable():
        raise ValueError(f"pattern: {expected}, got {pattern[:80]!r}")
    if not set(_PLACES.findall(pattern)) & {"tx", "block"} or len(pattern) > PATTERN_CHARS_MAX:
        raise ValueError(f"pattern: {expected}, at most {PATTERN_CHARS_MAX} characters, got {pattern[:80]!r}")


def link_of(patterns: Mapping[int | None, str], chain_id: int, tx_hash: str, block_number: int) -> str | None:
    """Return where a stamp can be looked up, None where no pattern is set for its chain."""
    pattern = patterns.get(chain_id, patterns.get(None))
    if pattern is None:
        return None
    said = {"chain_id": str(chain_id), "tx": tx_hash, "block": str(block_number)}
    return _PLACES.sub(lambda found: said[found[1]], pattern)
