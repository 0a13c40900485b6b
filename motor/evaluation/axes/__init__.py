"""Plug-ins: what a grid compares along, each in one record."""
