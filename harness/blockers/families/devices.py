"""Drivers: graphics, virtualization, USB and others.  Before the filesystems: a driver may use their names."""

from __future__ import annotations

from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 15

_DRIVER = "the device or its driver"
_RESET = "reset or removal of the device: its users lose their state"

ROWS = (
    Row(
        kind="gpu",
        meaning="it waits for a graphics or compute device: a fence that is not signalled, or a driver that resets",
        stacks=(
            "dma_fence_*|dma_resv_*|drm_*|amdgpu_*|amdkfd_*|kfd_*|i915_*|intel_*|nouveau_*|radeon_*|ttm_*|nv_*"
            "|nvidia_*|_nv*|os_acquire_*|uvm_*|gem_*|xe_*|lima_*|panfrost_*|v3d_*|vmw_*|mali_*|kbase_*|nvkms_*"
            "|gpu_sched*|drm_sched_*|neuron_*|habanalabs_*",
            "[nvidia]|[nvidia_uvm]|[nvidia_drm]|[nvidia_modeset]|[amdgpu]|[i915]|[xe]|[nouveau]|[radeon]|[drm]"
            "|[ttm]|[gpu_sched]|[lima]|[panfrost]|[mali_kbase]|[neuron]|[habanalabs]|[amdkfd]|[vmwgfx]|[hfi1]",
        ),
        reference="dma_fence_default_wait(), drivers/dma-buf/dma-fence.c; drm_release(), drivers/gpu/drm/drm_file.c",
        example="dma_fence_default_wait dma_fence_wait_timeout lima_vm_bo_del lima_gem_object_close "
        "drm_gem_object_release_handle drm_gem_release drm_release __fput task_work_run do_exit",
        recorded="yuq/linux-lima#16",
        fault="the device, its firmware or its driver",
        lossless="let the driver's reset end; look at the kernel log",
        destructive=_RESET,
        innocent="not the container's filesystem: the exit closes the device file, and the driver waits",
        ask="dmesg | grep -iE 'xid|ring|gpu hang|reset|amdgpu|i915|nouveau|NVRM'",
        answer="a ring timeout, an Xid or a failed reset names the device",
        threads=("yuq/linux-lima#16", "NixOS/nixpkgs#223690"),
        messages=(
            r"NVRM: Xid",
            r"amdgpu: .*ring \S+ timeout",
            r"\[drm(?::\S+)?\] \*ERROR\* (?:ring \S+ timeout|Waiting for fences timed out)",
            r"i915 \S+: \[drm\] GPU HANG",
        ),
    ),
    Row(
        kind="kvm",
        meaning="it tears a virtual machine down, or waits for one of its processors or its memory",
        stacks=(
            "kvm_*|__kvm_*|vmx_*|svm_*|vhost_*|irqfd_*|vcpu_*|kvmppc_*",
            "[kvm]|[kvm_intel]|[kvm_amd]|[vhost]|[vhost_net]|[vhost_vsock]",
            "synchronize_srcu*|__synchronize_srcu* < kvm_*|__kvm_*",
        ),
        reference="kvm_destroy_vm(), virt/kvm/kvm_main.c; vhost_dev_stop(), drivers/vhost/vhost.c",
        example="wait_for_completion __synchronize_srcu kvm_swap_active_memslots kvm_set_memslot kvm_vm_ioctl",
        fault="a processor of the machine that does not leave the kernel, a vhost worker, or a device that is assigned",
        lossless="find the vcpu or vhost thread that does not come back",
        innocent="not the guest's own system",
        ask="for t in /proc/{pid}/task/*; do cat $t/comm $t/stack; done",
        answer="a vcpu or vhost thread in state D shows the cause",
    ),
    Row(
        kind="vfio",
        meaning="it waits for a device that is assigned to a virtual machine or a user process (VFIO)",
        stacks=(
            "vfio_*|iommu_*|__iommu_*|pci_reset_*|pcie_*|pci_dev_*|pci_cfg_*|pci_wait_*|pciehp_*|iommufd_*"
            "|arm_smmu_*|qi_submit_sync|intel_iommu_*",
            "[vfio]|[vfio_pci]|[vfio_pci_core]|[vfio_iommu_type1]|[iommufd]",
        ),
        reference="vfio_unregister_group_dev(), drivers/vfio/vfio_main.c; pci_reset_function(), drivers/pci/pci.c",
        example="vfio_del_group_dev vfio_pci_remove pci_device_remove device_release_driver_internal "
        "unbind_store kernfs_fop_write",
        recorded="spdk/spdk#645",
        fault="the process that still has the device open, or the device's reset",
        lossless="close the device in the process that has it open",
        destructive=_RESET,
        ask="dmesg | grep -iE 'vfio|reset|pcie'; ls -l /proc/*/fd 2>/dev/null | grep vfio",
        answer="`device is currently in use`, or a reset that does not end",
        messages=(r"vfio-pci \S+: .*(?:timed out|not ready|stuck)", r"pcieport \S+: .*(?:not ready|AER: .*Fatal)"),
    ),
    Row(
        kind="usb",
        meaning="it waits for a USB device or its hub",
        stacks=(
            "usb_*|__usb_*|hub_*|xhci_*|usbdev_*|uas_*|usbhid_*|hid_*|usblp_*|read_descriptors|descriptors_read|acm_*|ehci_*|dwc2_*|dwc3_*",
            "[usbcore]|[xhci_hcd]|[usb_storage]|[uas]|[usbhid]|[cdc_acm]",
        ),
        reference="usb_kill_urb(), usb_start_wait_urb(), drivers/usb/core/urb.c, message.c",
        example="__mutex_lock __mutex_lock_slowpath mutex_lock hub_event process_one_work worker_thread kthread "
        "ret_from_fork",
        recorded="ayufan-rock64/linux-build#112",
        fault="the device, its cable or its controller",
        lossless="unplug the device, or reset its port",
        innocent="not a filesystem",
        ask="dmesg | grep -iE 'usb|xhci'",
        answer="resets that repeat, `not responding to setup address`, `assume dead`",
        messages=(
            r"xhci_hcd \S+: .*(?:HC died|assume dead|not responding to stop|WARN Cannot submit Set TR Deq Ptr)",
            r"usb \S+: .*(?:device not accepting address|reset \S+ USB device)",
        ),
    ),
    Row(
        kind="rdma",
        meaning="it waits for an InfiniBand or RDMA device",
        stacks=(
            "ib_*|__ib_*|ib_uverbs_*|rdma_*|mlx4_*|mlx5_*|uverbs_*|ucma_*|irdma_*|bnxt_re_*|cma_*|efa_*",
            "[ib_core]|[ib_uverbs]|[rdma_cm]|[mlx5_core]|[mlx5_ib]|[mlx4_core]|[mlx4_ib]|[efa]|[ib_umad]|[rdma_ucm]",
        ),
        reference="ib_drain_qp(), drivers/infiniband/core/verbs.c; uverbs_destroy_ufile_hw(), rdma_core.c",
        example="__ib_drain_sq ib_drain_sq nvme_rdma_stop_queue",
        recorded="linux-nvme/nvme-cli#1365",
        fault="the device, its firmware, or a process that still uses its memory",
        lossless="let the driver's command end; look at the kernel log",
        destructive=_RESET,
        ask="dmesg | grep -iE 'mlx|infiniband|rdma'",
        answer="a command timeout names the device",
        messages=(r"mlx\d_core \S+: .*(?:timeout|health compromised|device's health)",),
    ),
    Row(
        kind="device",
        meaning="it waits for a device or its driver",
        stacks=(
            "snd_*|v4l2_*|vb2_*|media_*|i2c_*|spi_*|tpm_*|mei_*|mmc_*|__mmc_*|ubi_*|mtd_*|nand_*|watchdog_open"
            "|input_*|evdev_*|uinput_*|rfkill_*|ieee80211_*|iwl_*|ath*_*|brcm*|bt_*|hci_*|l2cap_*|rfcomm_*"
            "|wait_for_device_probe|device_*|__device_*|driver_*|bus_*|__driver_*|acpi_*|vmbus_*|hv_*|xen*"
            "|balloon_*|virtio_*|virtnet_*|vp_*|virtblk_*|hvs_*|pm_*|dpm_*|rpm_*|__pm_*|thermal_*|fb_*|do_fb_*"
            "|fbcon_*|backlight_*|led_*|wait_for_random_bytes|hwrng_*|rng_*|binder_*|zcrypt_*|ap_*|ccw_*|qeth_*"
            "|zfcp_*|dasd_*|edac_*|firmware_*|_request_firmware|fw_*|request_firmware*|regmap_*|clk_*"
            "|regulator_*|gpio*|pinctrl_*",
            "[snd]|[snd_pcm]|[videodev]|[mmc_core]|[mmc_block]|[cfg80211]|[mac80211]|[bluetooth]|[vboxdrv]"
            "|[hv_vmbus]|[xen_blkfront]|[virtio_net]|[virtio_blk]|[binder_linux]",
        ),
        reference="device_del(), drivers/base/core.c; wait_for_device_probe(), drivers/base/dd.c; "
        "_request_firmware(), drivers/base/firmware_loader/main.c",
        example="mmc_wait_for_req_done mmc_wait_for_req mmc_send_status process_one_work worker_thread",
        fault=_DRIVER,
        lossless="look at the kernel log of that device",
        destructive=_RESET,
        innocent="not the container's fault",
        ask="dmesg | tail -100",
        answer="errors or resets of the device",
        certainty=Certainty.POSSIBLE,
        role=Role.CAUSE,
        fallback=1,
    ),
    Row(
        kind="vendor-module",
        meaning="it waits in a module that is not part of the kernel: a security agent, a storage or "
        "virtualization driver",
        stacks=(
            "[falcon_lsm_serviceable]|[falcon_kal]|[dsa_filter]|[tmhook]|[bmhook]|[redirfs]|[mfe_fileaccess]"
            "|[talpa_vfshook]|[symev]|[symap]|[cma]|[vxfs]|[vxio]|[vxdmp]|[vxglm]|[snapapi26]|[veeamsnap]"
            "|[blksnap]|[dattobd]|[rr]|[px]|[scini]|[kavflt]|[kfltr]|[secfs2]|[seos]|[twnotify]|[sentinelone]"
            "|[acfs]|[cas_cache]|[cas_disk]|[oracleasm]|[oracleacfs]|[oracleadvm]",
        ),
        reference="out of tree",
        example="",
        fault="that module, or its user process",
        lossless="look at the process that the module asks",
        destructive="removal of the product: what it guards or stores is no longer guarded or reached",
        innocent="not the container's fault",
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
    ),
)
