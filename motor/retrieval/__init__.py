"""Windows of training motors, kept to be looked up: keys, exact search, and what a window may retrieve."""
