"""What requests and answers are made of: strict models that refuse unknown members, and the limits of their texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

TEXT_CHARS_MAX = 4_000
NAME_CHARS_MAX = 200
TOKEN_CHARS_MAX = 8_192
BASE64URL_CHARS_MAX = 5_462  # of 4,096 bytes
ID_CHARS_MAX = 200
LIST_ITEMS_MAX = 100
PAGE_ITEMS_DEFAULT = 50
PAGE_ITEMS_MAX = 200
TOKENS_MAX = 1_000_000_000
AMOUNT_MINOR_MAX = 10**15

# No control characters but tab and line ends: PostgreSQL takes no NUL, and no page should print the others.
_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_ID = r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$"  # a policy is named `service_issue/v1`

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


class Asked(BaseModel):
    """A request body: strict types, no unknown member."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Told(BaseModel):
    """An answer body."""

    model_config = ConfigDict(extra="forbid")


def _instant(text: str) -> str:
    """Return RFC 3339 with any offset as UTC with milliseconds."""
    try:
        if _RFC3339.fullmatch(text) is None:  # Python reads much more of ISO 8601, weeks too
            raise ValueError("another form")
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            raise ValueError("no offset")
        utc = parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"expected RFC 3339 with an offset, e.g. 2026-11-23T16:10:00.000Z ({error})"
        ) from error
    return f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_CHARS_MAX, pattern=_ID)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_CHARS_MAX, pattern=_PRINTABLE)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_CHARS_MAX, pattern=_PRINTABLE)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=TOKEN_CHARS_MAX, pattern=r"^[\x21-\x7e]+$")]
Base64Url = Annotated[
    str, StringConstraints(min_length=1, max_length=BASE64URL_CHARS_MAX, pattern=r"^[A-Za-z0-9_-]+$")
]
Instant = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(_instant),
    Field(json_schema_extra={"format": "date-time"}),
]
Tokens = Annotated[int, Field(ge=0, le=TOKENS_MAX)]
Ids = Annotated[list[Id], Field(max_length=LIST_ITEMS_MAX)]

IdInPath = Annotated[str, Path(min_length=1, max_length=ID_CHARS_MAX, pattern=_ID)]
RecordInPath = Annotated[str, Path(min_length=1, max_length=NAME_CHARS_MAX, pattern=_PRINTABLE)]
"""A record keeps the id its source gave it: spaces, letters of any script, slashes; percent-encoded in the path."""
Cursor = Annotated[
    str | None, Query(max_length=400, description="Opaque; from `next_cursor` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]
LimitOrAll = Annotated[
    int | None,
    Query(ge=1, le=PAGE_ITEMS_MAX, description="Rows of a page, newest first; without it all at once."),
]


class Money(Asked):
    """An amount in minor units (cents) of a currency (ISO 4217)."""

    amount_minor: Annotated[int, Field(ge=-AMOUNT_MINOR_MAX, le=AMOUNT_MINOR_MAX)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class PasskeyAnswer(Asked):
    """What an authenticator answered to a prepared decision: `prepared` as it was given, the rest base64url."""

    prepared: Token
    credential_id: Base64Url
    client_data: Base64Url
    authenticator_data: Base64Url
    signature: Base64Url


class Entries(Told):
    """The entries a request left in the log: `first_seq .. first_seq + count - 1`."""

    first_seq: int
    count: int
    at: str


class Recorded(Told):
    """A change that is on record: its entries, the ids they made, and the resource as it is now.

    A repeat under the same Idempotency-Key tells the same entries and ids, and the resource as it is by then.
    """

    entries: Entries
    ids: dict[str, str]
    resource: dict[str, Any] | None = None


class Page(Told):
    """Some rows, newest first, and the cursor of the next page (null: this was the last)."""

    items: list[dict[str, Any]]
    next_cursor: str | None
