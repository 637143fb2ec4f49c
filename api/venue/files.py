"""What a demo's data folder holds beside the installation's own files."""

CLOCK_FILE = "clock"
"""The venue's time, one RFC 3339 instant (ledger/clock.py: FileClock)."""

DEMO_FILE = "demo.json"
"""Which log it is, which award is its story, and what came of the play; written last: a demo is here."""

PROOF_NAME = "award.json"
