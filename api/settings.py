"""What an operator may set: `TALLYSTICK_*` variables, each with its unit in the name, a default and a limit.

Nothing else in the product reads the environment. Keys are files, never variables; the one secret that may come as a
variable is the database's password, which the database gets in the same way.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from api.anchor_settings import read_patterns, read_rpcs
from api.mail_keys import resolver_of
from ledger.anchors.fees import FeeSettingRefused, parse_gwei
from ledger.keys import KeyFolder

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


PREFIX = "TALLYSTICK_"
NOT_SETTINGS = frozenset(
    PREFIX + name
    for name in (
        "SHARED",
        "TEST_POSTGRES_URL",
        "TEST_PROFILE",
        "TEST_EVM",
        "PROVE_SEED",
        "POSTGRES_PASSWORD",
        "NAME",
        "CERTIFICATE",
    )
)
"""Names that tests, tools and docker-compose.yml read, which may stand in the same environment."""


class SettingsInvalid(Exception):
    """A setting is missing, out of range or unknown. The operator mends it; nothing was started."""


def is_loopback(host: str) -> bool:
    """Return whether a name or address (no port, no brackets) means the very machine that says it."""
    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(given: str) -> str:
    """Return an address as browsers write its origin, "" as it is. Raises ValueError: no passkey holds for it."""
    expected = "expected https://name or https://name:port, or http:// with localhost, and nothing after it"
    if not given:
        return ""
    try:
        parts = urlsplit(given.strip().rstrip("/").lower())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"{expected} ({error})") from error
    whole = f"{parts.scheme}://{parts.netloc}" == parts.geturl() and "@" not in parts.netloc
    if not whole or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise ValueError(expected)
    if not _HOST.fullmatch(host) or host.replace(".", "").isdigit():
        raise ValueError(
            f"{expected}: a name in ASCII, because browsers bind passkeys to names and not to numbers"
        )
    shown = "" if port in (None, 443 if parts.scheme == "https" else 80) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def _proxy(given: str) -> str:
    """Return the proxy's address or network as it was given; "" is none."""
    for one in given.split(",") if given else ():
        try:
            network = ipaddress.ip_network(one.strip())
        except ValueError as error:
            raise ValueError("expected addresses or networks such as 10.87.65.2 or 10.87.65.0/29") from error
        if network.prefixlen == 0:
            raise ValueError("expected the proxy alone, not everybody")
    return given


def _dns(given: str) -> str:
    """Return the resolver's address as it was given. Raises ValueError."""
    resolver_of(given)
    return given


def _rpcs(given: str) -> str:
    """Return the RPCs as they were given. Raises ValueError, without the addresses."""
    read_rpcs(given)
    return given


def _explorer(given: str) -> str:
    """Return the patterns as they were given. Raises ValueError."""
    read_patterns(given)
    return given


def _gwei(given: str) -> str:
    """Return a fee as it was given. Raises ValueError: no plain decimal number of gwei."""
    try:
        parse_gwei(given)
    except FeeSettingRefused as error:
        raise ValueError(str(error)) from error
    return given


class Settings(BaseSettings):
    """One installation: where its data lies, where it listens, and its named limits."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Path("var")
    guard_dir: Path | None = None
    """The signing guard's memory; default: `guard` in the data folder. Belongs where a restore does not reach it."""

    keys_dir: Path | None = None
    """The secret keys, a folder per organisation; default: `keys` in the data folder. Belongs apart from the data."""

    database_url: str | None = None
    """`sqlite:///path` or `postgresql://...`; default: `tallystick.db` in the data folder."""

    database_password: SecretStr | None = None
    """The database's password as it is; inside the address, `/`, `@`, `#` and others would have to be escaped."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8765
    address: Annotated[str, AfterValidator(_address)] = ""
    """The final address that people open, such as `https://tally.example.org`; passkeys hold for its name alone.
    Empty: `http://localhost` and the port."""

    proxy: Annotated[str, AfterValidator(_proxy)] = ""
    """Addresses or networks of the proxy before the server, by comma: only they may say by X-Forwarded-Proto and
    X-Forwarded-For how and from where a request came. Empty: nobody may."""
    server_url: str | None = None
    """Where the command line finds the running server; default: the address the server wrote into the data folder."""

    worker_inside: bool = True
    """Run timers, jobs and checkpoints inside the server. False only on PostgreSQL, beside `tallystick worker`."""

    undo_seconds: Annotated[int, Field(ge=0, le=3_600)] = 10
    session_hours: Annotated[int, Field(ge=1, le=24)] = 12
    """How long a session of the pages lasts: a shift, with a margin."""

    checkpoint_interval_seconds: Annotated[int, Field(ge=1, le=86_400)] = 10
    worker_pause_ms: Annotated[int, Field(ge=10, le=60_000)] = 500
    body_bytes_max: Annotated[int, Field(ge=1_024, le=256 * 1024 * 1024)] = 32 * 1024 * 1024
    """Of any body: files, imports, batches of records, published documents."""

    json_bytes_max: Annotated[int, Field(ge=16 * 1024, le=1024 * 1024)] = 64 * 1024
    """Of every other body."""

    page_items_max: Annotated[int, Field(ge=1, le=1_000)] = 200
    records_per_batch_max: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    requests_in_flight_max: Annotated[int, Field(ge=1, le=10_000)] = 1_000

    dns: Annotated[str, AfterValidator(_dns)] = ""
    """The resolver that is asked for the keys of mail domains: an address, with a port if it is not 53. Empty: those of
    the machine; `off`: none, so that no mail counts as signed."""

    tsa_roots: Path | None = None
    """A PEM file with the roots that are trusted to stamp times, and what may lie between; without it none is taken."""

    anchor_rpc: Annotated[str, AfterValidator(_rpcs)] = ""
    """Where chains are asked: `chain_id=url` by comma, several of one chain allowed; or `@` and the path of a file with
    one a line, for addresses that hold a key. Empty: no chain is asked (docs/anchoring.md)."""

    anchor_quorum: Annotated[int, Field(ge=0, le=9)] = 0
    """How many RPCs of a chain must say the same; 0: more than half of them."""

    anchor_rpc_seconds: Annotated[int, Field(ge=1, le=120)] = 10
    """How long one RPC, witness or time authority may take to answer."""

    anchor_password_file: Path | None = None
    """A file with the password of the anchor key and of the payer's key; mode 0600."""

    anchor_entries: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """Anchor after so many entries ..."""

    anchor_minutes: Annotated[int, Field(ge=1, le=43_200)] = 60
    """... or so long after the last anchor, if anything was entered since."""

    anchor_poll_ms: Annotated[int, Field(ge=100, le=3_600_000)] = 15_000
    """How often what is under way is looked at."""

    anchor_fee_ceiling_gwei: Annotated[str, AfterValidator(_gwei)] = "50"
    """The most that a unit of gas may cost, in gwei; above it nothing is sent and an owner decides."""

    anchor_explorer: Annotated[str, AfterValidator(_explorer)] = ""
    """Where pages lead for a stamp: a pattern with {chain_id}, {tx} or {block}, or `chain_id=pattern` by comma."""

    clock_file: Path | None = None
    """A file that holds the time; only for organisations whose origin ends in `.invalid` (demo and simulation)."""

    gallery: bool = False
    """Serve /ui, every component of the pages in every state: for whoever changes one, never for users."""

    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    log_json: bool = True

    @property
    def public_address(self) -> str:
        """Return the origin of the pages, without a slash at the end."""
        return self.address or (f"http://localhost:{self.port}" if self.port else "http://localhost")

    @property
    def keys_folder(self) -> Path:
        """Return where secret keys lie: a folder per organisation, and what the installation itself needs."""
        return self.keys_dir or self.data_dir / "keys"

    @property
    def url(self) -> str:
        """Return the database address, password included; SQLite in the data folder unless one was set."""
        if self.database_url is None:
            return f"sqlite:///{(self.data_dir / 'tallystick.db').resolve()}"
        password = self.database_password.get_secret_value() if self.database_password else ""
        if not password or not self.database_url.startswith("postgresql"):
            return self.database_url
        return make_url(self.database_url).set(password=password).render_as_string(hide_password=False)

    def key_folder(self, log: str) -> KeyFolder:
        """Return where the secret keys of one organisation lie."""
        return KeyFolder(self.keys_folder / log, log)

    def in_one_folder(self) -> Settings:
        """Return these with everything in the data folder: what is only played touches no installation's own."""
        apart = ("database_url", "database_password", "keys_dir", "guard_dir")
        return self.model_copy(update=dict.fromkeys(apart))

    @property
    def guard_folder(self) -> Path:
        """Return where the signing guard keeps its memory."""
        return self.guard_dir or self.data_dir / "guard"

    @property
    def is_sqlite(self) -> bool:
        """Return whether one process owns the database."""
        return self.url.startswith("sqlite")

    @property
    def sqlite_path(self) -> Path | None:
        """Return the database file, or None on PostgreSQL."""
        return Path(make_url(self.url).database or "") if self.is_sqlite else None

    @property
    def proxies(self) -> list[str]:
        """Return whose forwarded headers are believed."""
        return [one.strip() for one in self.proxy.split(",") if one.strip()]

    @property
    def on_loopback(self) -> bool:
        """Return whether only this machine can reach the server."""
        return self.host in LOOPBACK


def check_names(names: Iterable[str]) -> None:
    """Refuse a `TALLYSTICK_*` name that nothing reads: a misspelt limit would otherwise silently not hold.

    Raises:
        SettingsInvalid: says the name and the nearest known one.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields} | NOT_SETTINGS
    unknown = sorted({name.upper() for name in names if name.upper().startswith(PREFIX)} - known)
    if unknown:
        raise SettingsInvalid("; ".join(f"{name}: {_nearest(name, known)}" for name in unknown))


def _nearest(name: str, known: Iterable[str]) -> str:
    # compared without the prefix, which makes all names alike
    near = get_close_matches(name.removeprefix(PREFIX), sorted(one.removeprefix(PREFIX) for one in known), 1)
    hint = f"such as {PREFIX}{near[0]}" if near else "api/settings.py lists them"
    return f"expected the name of a setting ({hint}), got one that nothing reads"


_UNTOLD = frozenset({"database_password", "anchor_rpc"})
"""Settings that may hold a secret: what was got is not told."""


def _got(item: ErrorDetails) -> str:
    return "" if item["loc"] and item["loc"][0] in _UNTOLD else f", got {item['input']!r}"


def load_settings(**overrides: object) -> Settings:
    """Read the environment, then the overrides.

    Raises:
        SettingsInvalid: says the variable, expected and got.
    """
    check_names(os.environ)
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}{_got(item)}"
            for item in error.errors()
        ]
        raise SettingsInvalid("; ".join(lines)) from error
