"""Planning and running of any graph of stages; knows nothing about motors."""
