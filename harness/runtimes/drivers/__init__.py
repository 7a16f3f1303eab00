"""The runtimes, one file each: `SUMMARY`, `NEEDS`, `VERSIONS` and `commands(place, container) -> Commands`."""
