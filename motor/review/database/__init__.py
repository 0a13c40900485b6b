"""The decisions of a review, in SQLite for one host and in PostgreSQL beyond."""
