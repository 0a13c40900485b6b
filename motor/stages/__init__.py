"""The stages of the grid: each record beside what builds it. They hand on folders, never live objects."""
