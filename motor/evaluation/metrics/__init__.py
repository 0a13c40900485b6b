"""PLUG-INS: each file is a figure of a cell's test predictions (see `motor.evaluation.metrics.base`)."""
