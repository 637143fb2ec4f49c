"""The laboratory: made-up people play a policy for a year, and the real judge judges what they bring.

    agents.py       who plays, at what rates          case_inputs.py   what a judge is given, written down
    checks.py       a world of operational checks     issues.py        a world of service issues
    plays.py        verifier -> its world             year.py          52 weeks: claim, verdict, approval, draw, window
    report.py       what came of it, in figures and sentences

It is a model, shown beside a policy; it is no gate. It has no clock and no network, and all chance comes from the seed.
"""
