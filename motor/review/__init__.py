"""Reviewing recordings: decisions in a database, a page to make them on, and who may make which."""
