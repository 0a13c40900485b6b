"""Folders named by key, on disk or in a bucket; leases and digests."""
