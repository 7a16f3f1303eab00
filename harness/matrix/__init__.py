"""Scenarios by kernels, measured here or on a cluster and stored cell by cell; never counts a cell twice."""
