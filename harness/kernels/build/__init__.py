"""Builds kernels from their sources, and tells whether a build is current; never writes into the user's own tree."""
