"""Rules follow."""
