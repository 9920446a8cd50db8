# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's tests of KVM, as long as they take; no part of check.

.PHONY: check-kvm-selftests

check-kvm-selftests: lab-ready ## the kernel's tests of KVM, on KVM and through the shim; TESTS="..."
	@tests/shim/kvm-selftests $(O) $(TESTS)
