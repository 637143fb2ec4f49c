"""What a person says or uploads: E0 an assertion, E1 a file. Neither counts for a verdict yet; both are kept and shown.

The uploader could have made it alone, and so could the server that stored it.
"""

from __future__ import annotations

from casework.errors import refuse
from casework.requests import AttachEvidence, Principal

FILE_SIZE_MAX_BYTES = 10 * 1024 * 1024
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "application/pdf", "text/plain", "text/csv")


def statement(who: Principal, case: str, received_at: str) -> AttachEvidence:
    """Return the evidence of a person's own word; its text is a note of the case."""
    return AttachEvidence(
        case, "statement", "E0", f"member:{who.id}", {"party": f"member:{who.id}"}, received_at, {}
    )


def file(who: Principal, case: str, content: bytes, media_type: str, received_at: str) -> AttachEvidence:
    """Return the evidence of one file; the same bytes count once in this organisation.

    Raises:
        Refused: value_invalid (type or size).
    """
    if media_type not in MEDIA_TYPES:
        raise refuse(
            "value_invalid", f"media_type: expected one of {', '.join(MEDIA_TYPES)}, got {media_type}"
        )
    if not 0 < len(content) <= FILE_SIZE_MAX_BYTES:
        raise refuse(
            "value_invalid", f"content: expected 1 to {FILE_SIZE_MAX_BYTES} bytes, got {len(content)}"
        )
    return AttachEvidence(
        case=case,
        type="file",
        grade="E1",
        submitter=f"member:{who.id}",
        controllers={"party": f"member:{who.id}"},
        received_at=received_at,
        facts={"media_type": media_type, "size_bytes": len(content)},
        content=content,
        concerns=(who.id,),
        once=(content,),
    )
