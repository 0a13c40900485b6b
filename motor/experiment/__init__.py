"""A config, its axes, its cells."""
