"""Layers that forecasters of torch share: patches, known inputs, gates and attention."""
