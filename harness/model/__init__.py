"""The frozen records that every stage passes on, with their enums, kernel function names and JSON codec.

This room imports no other room and decides nothing.
"""
