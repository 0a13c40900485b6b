"""What a storage holds: verified, and pruned."""
