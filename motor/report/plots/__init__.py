"""The figures of one cell: PLUG-INS, a file each; what they share stands in `base.py`."""
