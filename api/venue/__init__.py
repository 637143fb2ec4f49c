"""The Harbour House: the demo venue, played by running the real product with a moved clock."""
