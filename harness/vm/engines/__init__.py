"""What starts the virtual machine, one engine a file: see `harness.vm.machine`."""
