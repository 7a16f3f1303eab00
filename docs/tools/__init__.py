"""Generates the parts of the documentation that the code determines, and builds the site."""
