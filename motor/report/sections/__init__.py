"""The sections of the report: PLUG-INS that make blocks from findings, with their words beside them."""
