"""The compiled modules that a guest imports from one file; never runs on the host what it packs."""
