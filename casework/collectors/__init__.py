"""Collectors freeze what a later check needs and say who could have made it. They never judge."""
