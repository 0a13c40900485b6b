"""Progress, the terminal, and the journal that the status reads."""
