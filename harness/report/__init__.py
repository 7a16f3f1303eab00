"""A Report becomes text: `formats/` has one format per file, the rest is shared wording.

This room imports nothing but the records and the kernel's function names.
"""
