"""Which recordings to ask people for next: PLUG-INS."""
