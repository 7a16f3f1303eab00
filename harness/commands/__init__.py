"""The commands, one file each: `HELP`, `DESCRIPTION`, `arguments(parser)` and `execute(args) -> exit status`."""
