"""Arms a scenario: the namespace, the server, the holder, each proven to be where it must be."""
