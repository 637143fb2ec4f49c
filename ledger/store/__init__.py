"""Where the record lies: the tables, and one store for SQLite and one for PostgreSQL behind the same steps."""
