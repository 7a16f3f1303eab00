"""What people try and what does not end the deadlock, one file each, shown by `--futile`.  Shaped as the resolvers."""
