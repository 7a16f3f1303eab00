"""The Container Runtime Interface (runtime.v1), as a kubelet speaks it to containerd and CRI-O."""
