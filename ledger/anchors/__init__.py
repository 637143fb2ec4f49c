"""Anchors: a checkpoint of the log in somebody else's hands. docs/spec/anchoring.md.

Off by default. No award and no append ever waits for one.
"""
