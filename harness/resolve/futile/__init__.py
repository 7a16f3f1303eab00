"""Popular attempts that do not end the deadlock, one a file, shown by `--futile`.  Shaped as the resolvers."""
