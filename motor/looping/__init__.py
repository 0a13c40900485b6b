"""Label, fine-tune, infer, review, again: iterations over a config's grid, whose states follow from facts."""
