"""Property tests of every parser and reader of foreign data."""
