"""The engines that start a virtual machine, one a file; they start nothing themselves, see `harness.vm.machine`."""
