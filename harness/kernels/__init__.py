"""Turns a --kernel SPEC into an Image, fetched once and cached; never leaves a partial cache entry."""
