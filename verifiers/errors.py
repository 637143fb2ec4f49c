"""What can go wrong in judging.

VerifierError
|-- InputInvalid      a verdict input is not what docs/spec/verdict.md says; `judge` makes it the result `error`
|   `-- FormulaInvalid    a controllers formula is no formula, or too large
|-- PolicyInvalid     a policy file says something else than expected; nothing may be published
`-- VerifierUnknown   no verifier of this name and version here; the caller needs a newer program
"""

from __future__ import annotations


class VerifierError(Exception):
    """Root of this package's errors."""


class InputInvalid(VerifierError):
    """A verdict input has another shape than specified. The caller built it wrongly; no verdict but `error` follows."""


class FormulaInvalid(InputInvalid):
    """A controllers formula is malformed or over its limits. The caller mends the evidence's controllers."""


class PolicyInvalid(VerifierError):
    """A policy is not usable. The author mends the file; what is published stays in force."""


class VerifierUnknown(VerifierError):
    """This program has no such verifier or version. Never guess another: report it as newer than this program."""
