"""The same session under another kernel in QEMU; never trusts output from the guest that does not parse."""
