"""The judges: evidence -> verdict. Pure, versioned, re-judgeable. Start at registry.py; bytes: docs/spec/verdict.md."""
