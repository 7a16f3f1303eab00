"""One format a file; each imports nothing of the harness but the model and the kernel's names."""
