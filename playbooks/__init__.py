"""The watch: what counts as an exception and when it is due.

Kinds and playbooks are files; records come from importers; the engine turns changes and due timers into signals.
"""
