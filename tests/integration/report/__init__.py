"""Reports through the readers and schemas of others."""
