"""The endpoints under /api/v1, one file per room of the house. Each names its permission; each returns rows as
they are now."""
