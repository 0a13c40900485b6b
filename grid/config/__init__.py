"""YAML -> checked records, each fault with its line."""
