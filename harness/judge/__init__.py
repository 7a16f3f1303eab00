"""Snapshots become a wait-for graph and a verdict; pure: never reads the machine, a clock or a file."""
