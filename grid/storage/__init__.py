"""What keeps a store whole: manifests, leases, places other than a folder, and what is removed from it."""
