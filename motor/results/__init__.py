"""What a person opens: folders, tables, curves, failures."""
