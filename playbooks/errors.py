"""What can go wrong in the watch.

PlaybookError
|-- DocumentInvalid      a YAML file is not what its format says; names file, line, what was expected and what it got
|   `-- ExpressionInvalid    a CEL expression in it does not compile, has the wrong type, or reads an absent field
|-- EvolutionRefused     new kinds change or drop what older playbooks and records rely on
|-- RecordInvalid        one record's values do not fit its kind; the importer refuses that row and goes on
|-- ImportRefused        a whole file cannot be read (cut off, wrong header, too large); nothing of it was imported
|-- RecordConflict       another content for a version of a record that is already there; that change is refused
|-- CalendarUnknown      a calendar cannot count so far (no opening in a year)
|-- SignalBroken         an expression failed while running: never false, its own case
|-- WorldIncomplete      the engine was run without rows that `needs` asked for; our own mistake
`-- BacktestRefused      an example folder or a data file cannot be run
"""

from __future__ import annotations


class PlaybookError(Exception):
    """Root of this package's errors."""


class DocumentInvalid(PlaybookError):
    """A file is not what its format says. The caller shows the text; nothing was loaded."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__(f"{where}: {detail}")
        self.where = where
        self.detail = detail


class ExpressionInvalid(DocumentInvalid):
    """A CEL expression cannot be used. The text names file, line and column, and the known fields if one was
    misspelt."""


class EvolutionRefused(PlaybookError):
    """New kinds are not an addition to the old ones. The caller publishes them under new names."""


class RecordInvalid(PlaybookError):
    """Values do not fit their kind. The caller refuses this record and says why."""


class ImportRefused(PlaybookError):
    """The file as a whole cannot be read. Nothing of it was imported; the text names the line where known."""


class RecordConflict(PlaybookError):
    """The same version of a record was given twice with different content. The caller keeps the first."""


class CalendarUnknown(PlaybookError):
    """A due time cannot be counted in this calendar. The playbook's signal is broken until the calendar is mended."""


class SignalBroken(PlaybookError):
    """An expression failed at run time. The caller opens a signal-broken case; it never counts as false."""

    def __init__(self, reason_code: str, detail: str) -> None:
        super().__init__(detail)
        self.reason_code = reason_code
        self.detail = detail


class WorldIncomplete(PlaybookError):
    """A record, bucket or timer was read that was not loaded. Ask `needs` again before `step`."""


class BacktestRefused(PlaybookError):
    """An example folder lacks a part, or its parts do not fit each other."""
