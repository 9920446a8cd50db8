# SPDX-License-Identifier: GPL-2.0-or-later
# Measuring, which is no check: figures are for people to judge.

.PHONY: bench bench-ready bench-bochs bench-boot bench-disk profile

bench-ready: userspace
	$(need) $(PACKAGES_BUILD) $(PACKAGES_LAB)
	+@$(MAKE) --no-print-directory O=$(O) module KERNEL=$(LAB_KERNEL) KDIR= WERROR=1
	+@$(MAKE) --no-print-directory -C tests/bench O=$(O)
	@$(HVLAB) prepare --kernel $(LAB_KERNEL)

bench: bench-ready ## instructions per exit, beside KVM's; BENCH_OPTIONS=--json
	@tests/bench/run-bench --kernel $(LAB_KERNEL) $(BENCH_OPTIONS) $(O)

BENCH_CPUS ?= haswell skylake_x ryzen
bench-bochs: bench-ready ## the same under Bochs on BENCH_CPUS, Intel and AMD models
	@$(HVLAB) prepare --backend vmx --kernel $(LAB_KERNEL)
	@set -e; for cpu in $(BENCH_CPUS); do \
		tests/bench/run-bench --bochs $$cpu --kernel $(LAB_KERNEL) $(BENCH_OPTIONS) $(O); \
		tests/bench/run-bench --bochs $$cpu --smp 2 --case faults --kernel $(LAB_KERNEL) \
			$(BENCH_OPTIONS) $(O); \
	done

bench-boot: bench-ready ## a Linux guest's boot beside QEMU's on KVM: instructions, memory, exits
	@tests/bench/boot-linux --kernel $(LAB_KERNEL) $(BENCH_OPTIONS) $(O)

bench-disk: bench-ready ## a disk's boot beside QEMU's on KVM; BENCH_OPTIONS="--image debian" to its login
	$(need) $(PACKAGES_IMAGES)
	@tests/bench/boot-disk --kernel $(LAB_KERNEL) $(BENCH_OPTIONS) $(O)

EXIT ?= port_write
profile: bench-ready ## where the instructions of an exit go; EXIT=cpuid PROFILE_OPTIONS=--kvm
	@tests/bench/run-profile --kernel $(LAB_KERNEL) $(PROFILE_OPTIONS) $(O) $(EXIT)
