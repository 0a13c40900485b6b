"""Stages, their graph, and which of them are missing."""
