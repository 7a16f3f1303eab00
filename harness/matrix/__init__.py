"""Scenarios under kernels: cells that are measured, here or on a cluster, and kept."""
