"""One report format a file; never imports more than the model and the shared wording of `harness.report`."""
