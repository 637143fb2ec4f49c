"""The record: entries, canonical bytes, chain, tree, checkpoints, proofs, token book, writer, store, vault.

Read `entries.py` first. Nothing here knows of exceptions, evidence or people beyond their random ids.
"""
