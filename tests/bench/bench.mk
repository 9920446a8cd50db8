# SPDX-License-Identifier: GPL-2.0-or-later
# Measuring, which is no check: figures are for people to judge.

.PHONY: bench bench-ready profile

bench-ready: userspace
	$(need) $(PACKAGES_BUILD) $(PACKAGES_LAB)
	+@$(MAKE) --no-print-directory O=$(O) module KERNEL=$(LAB_KERNEL) KDIR= WERROR=1
	+@$(MAKE) --no-print-directory -C tests/bench O=$(O)
	@$(HVLAB) prepare --kernel $(LAB_KERNEL)

bench: bench-ready ## instructions per exit, beside KVM's; BENCH_OPTIONS=--json
	@tests/bench/run-bench --kernel $(LAB_KERNEL) $(BENCH_OPTIONS) $(O)

EXIT ?= port_write
profile: bench-ready ## where the instructions of an exit go; EXIT=cpuid PROFILE_OPTIONS=--kvm
	@tests/bench/run-profile --kernel $(LAB_KERNEL) $(PROFILE_OPTIONS) $(O) $(EXIT)
