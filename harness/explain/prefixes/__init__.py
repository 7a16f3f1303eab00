"""Prefixes: the text before a line's own words, one form a file.

A file defines `ORDER`, `PATTERN` (a regular expression of one prefix, taken off as often as it is met) and `EXAMPLES`
(prefixes with the blank after them, which a test takes off).
"""
