# SPDX-License-Identifier: GPL-2.0-or-later
# The checks of the top-level Makefile: each finds its own packages and fails when
# anything is wrong.

model_sources := $(sort $(wildcard kmod/model/*.c))
model_headers := $(sort $(wildcard kmod/model/*.h))
pure_objects := $(model_sources:kmod/model/%.c=$(O)/pure/%.o)
# No floating point, no kernel headers, no libc behind the compiler's back.
PURE_CFLAGS := -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Werror -ffreestanding \
	-fno-stack-protector -fno-pie -mgeneral-regs-only -Ikmod/model -Iuapi

.PHONY: fuzz check-unit check-pure check-headers sparse doc-check check-man check-install analyze \
	check-style format format-check

check-unit: ## unit tests of the models, under ASan and UBSan
	$(need) $(PACKAGES_BUILD) $(PACKAGES_UNIT)
	+@$(MAKE) --no-print-directory -C tests/unit O=$(O)

check-pure: ## the models stand alone: nothing but mem*(), no state of their own
	$(need) $(PACKAGES_BUILD)
	+@$(MAKE) --no-print-directory O=$(O) $(O)/pure/model.o
	@if nm -u $(O)/pure/model.o | grep -vwE 'mem(cpy|set|move|cmp)'; then \
		echo "check-pure: kmod/model must not call these" >&2; exit 1; fi
	@if nm $(O)/pure/model.o | grep -E ' [BbDdCc] '; then \
		echo "check-pure: kmod/model must not hold these variables" >&2; exit 1; fi
	@echo "check-pure: $(words $(model_sources)) models"

$(O)/pure/model.o: $(pure_objects)
	$(if $^,ld -r -o $@ $^,mkdir -p $(@D) && gcc -c -x c -o $@ /dev/null)

$(O)/pure/%.o: kmod/model/%.c $(model_headers) $(wildcard uapi/*.h)
	@mkdir -p $(@D)
	$(call quiet,CC,$@)gcc $(PURE_CFLAGS) -c -o $@ $<

# Targets of libFuzzer for the models. What it finds interesting is kept below
# O, where the next run goes on from; an input that fails stays there as well.
FUZZ_SECONDS ?= 60
fuzzers := fuzz_emulate fuzz_chipset fuzz_ide fuzz_vga fuzz_qmp
FUZZ_CFLAGS := -std=gnu11 -g -O1 -Wall -Werror \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Ikmod/model -Iuapi

fuzz: $(fuzzers:%=$(O)/fuzz/%) ## libFuzzer on models and devices; FUZZ_SECONDS=60 for each target
	@set -e; for f in $(fuzzers); do \
		mkdir -p $(O)/fuzz/corpus-$$f; \
		(cd $(O)/fuzz && ./$$f -max_total_time=$(FUZZ_SECONDS) -max_len=512 \
			-print_final_stats=1 corpus-$$f 2>$$f.log) || \
			{ tail -40 $(O)/fuzz/$$f.log; exit 1; }; \
		echo "$$f: $$(sed -n 's/^stat::number_of_executed_units: *//p' \
			$(O)/fuzz/$$f.log) inputs, nothing found"; \
	done

fuzz_vga := $(wildcard userspace/hvrun/dev/vga_*.c)
fuzz_qmp := $(addprefix userspace/hvrun/control/,json_frame.c line_editor.c)

$(O)/fuzz/fuzz_vga: tests/fuzz/fuzz_vga.c $(fuzz_vga) userspace/hvrun/dev/vga_state.h
$(O)/fuzz/fuzz_qmp: tests/fuzz/fuzz_qmp.c $(fuzz_qmp)
$(O)/fuzz/fuzz_vga $(O)/fuzz/fuzz_qmp:
	$(need) $(PACKAGES_LINT) $(PACKAGES_USER)
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)clang $(FUZZ_CFLAGS) -D_GNU_SOURCE -Iuserspace/hvrun -o $@ \
		$(filter %.c,$^) -ljansson

# of hvrun: the devices and what they stand on
fuzz_chipset := $(addprefix userspace/hvrun/,bus.c guest_ram.c irq_line.c log.c error.c power.c \
	$(addprefix dev/,fw_cfg.c i440fx.c pam.c i8042.c ps2_keyboard.c ps2_mouse.c isa_dma.c \
	pci.c pci_host.c pflash.c piix3.c piix4_pm.c acpi_pm.c reset_ports.c rtc.c) \
	backend/image_lock.c) $(wildcard userspace/lib/*.c)

fuzz_ide := $(addprefix userspace/hvrun/,guest_ram.c irq_line.c log.c error.c keyval.c) \
	$(addprefix userspace/hvrun/backend/,block.c block_daemon.c block_file.c child.c \
	image_lock.c image_probe.c io_threads.c io_uring.c nbd.c socket.c) \
	$(addprefix userspace/hvrun/dev/,ide.c ide_ata.c ide_identify.c ide_transfer.c atapi.c) \
	$(wildcard userspace/lib/*.c)

$(O)/fuzz/fuzz_ide: tests/fuzz/fuzz_ide.c $(fuzz_ide) tests/unit/ide_bench.h
$(O)/fuzz/fuzz_chipset: tests/fuzz/fuzz_chipset.c $(fuzz_chipset)
$(O)/fuzz/fuzz_ide $(O)/fuzz/fuzz_chipset: \
		$(wildcard userspace/hvrun/*.h userspace/hvrun/dev/*.h)
	$(need) $(PACKAGES_LINT)
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)clang $(FUZZ_CFLAGS) -D_GNU_SOURCE -pthread -Iuserspace/lib \
		-Iuserspace/hvrun -o $@ \
		$(filter %.c,$^) $(fuzz_libraries)

$(O)/fuzz/fuzz_ide: fuzz_libraries := -luring

$(O)/fuzz/%: tests/fuzz/%.c $(model_sources) $(model_headers)
	$(need) $(PACKAGES_LINT)
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)clang $(FUZZ_CFLAGS) -o $@ $(filter %.c,$^)

check-headers: ## every header of uapi/ and kmod/ compiles alone; uapi/ in C and C++
	$(need) $(PACKAGES_BUILD)
	@rm -rf $(O)/headers
	@$(call mirror,$(O)/headers)
	@tests/lab/lone-headers $(O)/headers
	$(kmake) M=$(O)/headers W=1 KCFLAGS=-Werror KBUILD_MODPOST_WARN=1 modules

# sparse 0.6.4 knows neither __has_include (which asks for what newer kernels have) nor
# the classes of spinlock and srcu guards; the kernel's own headers are not our matter.
sparse: ## sparse over the module
	$(need) $(PACKAGES_BUILD) $(PACKAGES_LINT)
	@$(call mirror,$(O)/sparse)
	$(kmake) M=$(O)/sparse C=2 KBUILD_CHECKSRC=2 CF='-D"__has_include(x)=0"' modules \
		>$(O)/sparse.log 2>&1 || \
		{ cat $(O)/sparse.log; exit 1; }
	@! grep -E '(warning|error):' $(O)/sparse.log | \
		grep -v -e linux-headers- -e 'context imbalance in .class_'

sparse-%:
	+@$(MAKE) --no-print-directory O=$(O) sparse KERNEL=$* KDIR=

doc-check: ## kernel-doc comments of uapi/ are complete (registers and padding need no words)
	$(need) $(PACKAGES_BUILD) $(PACKAGES_LINT)
	@$$($(HVLAB) path kdir --kernel $(LAB_KERNEL))/scripts/kernel-doc -none uapi/*.h 2>&1 | \
		grep -vE "member '(pad|reserved?)[0-9]*' not|in 'myhv_(state_[a-z]+|vcpu_state)'" \
		>$(O)/doc-check.log; cat $(O)/doc-check.log; [ ! -s $(O)/doc-check.log ]

# The page is made from the document, which must tell of every option: one without is refused.
check-man: userspace ## the manual page has every option of hvrun, and man has nothing to say
	$(need) $(PACKAGES_LINT)
	@userspace/mkman docs/hvrun.md $(O)/hvrun.1 $(O)/hvrun
	@grep -v '^| `-pidfile ' docs/hvrun.md >$(O)/hvrun-less.md
	@! userspace/mkman $(O)/hvrun-less.md $(O)/hvrun-less.1 $(O)/hvrun 2>/dev/null
	@LC_ALL=C MANPAGER=cat man --warnings=w -l $(O)/hvrun.1 2>$(O)/check-man.log >/dev/null; \
		cat $(O)/check-man.log; [ ! -s $(O)/check-man.log ]

# Model and programs build in user space, which is where these two look. gcc 12 sees a
# leak in every object that is returned by the address of a member.
analyze_files = $(model_sources) $(sort $(wildcard userspace/*/*.c userspace/*/*/*.c))
ANALYZE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 \
	-Iuapi -Ikmod/model -Iuserspace/lib -Iuserspace/hvrun
analyze_headers := $(wildcard uapi/*.h kmod/model/*.h userspace/*/*.h userspace/*/*/*.h)

analyze: $(analyze_files:%=$(O)/analyze/%.ok)
analyze: ## gcc -fanalyzer and clang-tidy on models and programs

$(O)/analyze/%.ok: % .clang-tidy $(analyze_headers)
	$(need) $(PACKAGES_BUILD) $(PACKAGES_USER) $(PACKAGES_LINT)
	@gcc $(ANALYZE_CFLAGS) -fanalyzer -Wno-analyzer-malloc-leak -Werror -c -o /dev/null $<
	@clang-tidy --quiet $< -- $(ANALYZE_CFLAGS) 2>/dev/null
	@mkdir -p $(@D) && touch $@

check-install: all ## what make install puts below a folder finds itself there, and goes again
	@tests/lab/check-install $(O)

check-style: ## licences, line lengths, blanks, file sizes
	$(need) $(PACKAGES_BUILD)
	@tests/lab/check-style

# clang-format does not know tables and trace events: a help for writing, no judge.
FILES ?= $$(find uapi kmod userspace tests -name '*.[ch]' ! -name 'trace*.h' ! -name '*table*')

format: ## clang-format over FILES="..." (default: all but tables)
	$(need) $(PACKAGES_LINT)
	clang-format -i $(FILES)

format-check: ## show where `make format` would change FILES
	$(need) $(PACKAGES_LINT)
	@clang-format --dry-run -Werror --ferror-limit=3 $(FILES)

# ---- in the lab ----------------------------------------------------------------

lab_module = $(O)/kmod-$$($(HVLAB) path release --kernel $(LAB_KERNEL))/myhv.ko

.PHONY: images images-small
.PHONY: lab-ready test-programs check-hvlab check-power check-lab check-vmx check-vmx-long \
	check-host demo check check-long

images: ## disk images for guests, into the cache: Debian and small ones, BIOS, UEFI and ISO
	$(need) $(PACKAGES_BUILD) $(PACKAGES_LAB) $(PACKAGES_IMAGES)
	@tests/lab/mkimage initrd small small-efi iso debian debian-efi

images-small:
	$(need) $(PACKAGES_BUILD) $(PACKAGES_LAB) $(PACKAGES_IMAGES)
	@tests/lab/mkimage initrd small iso >/dev/null

# What the lab runs: the module for its kernel, the programs, the standard guest.
lab-ready: userspace test-programs images-small
	$(need) $(PACKAGES_BUILD) $(PACKAGES_LAB) \
		$(if $(filter debug,$(LAB_KERNEL)),$(PACKAGES_KDEBUG))
	+@$(MAKE) --no-print-directory O=$(O) module KERNEL=$(LAB_KERNEL) KDIR= WERROR=1
	@tests/lab/mkinitrd $(O)/tests/guest.initrd tests/lab/guest-init.sh
	@$(HVLAB) prepare --kernel $(LAB_KERNEL)

test-programs: userspace ## guest programs and integration tests, into O/tests/
	+@for d in guest integration shim; do \
		$(MAKE) --no-print-directory -C tests/$$d O=$(O) || exit 1; done

check-hvlab: ## the lab tells the truth about what runs in it
	$(need) $(PACKAGES_BUILD) $(PACKAGES_LAB)
	+@tests/lab/selftest --kernel $(LAB_KERNEL)

check-power: lab-ready ## the host sleeps, reboots and hands over to another kernel under guests
	@tests/lab/host-power $(O) $(LAB_KERNEL)

check-power-%:
	+@$(MAKE) --no-print-directory O=$(O) check-power LAB_KERNEL=$*

check-lab: lab-ready ## integration tests on the module, in the lab; TESTS="name..."
	@tests/lab/run-tests --kernel $(LAB_KERNEL) --forgive $(LAB_OPTIONS) $(O) $(TESTS)

# The same on another host: check-lab-7.2, check-lab-debug; -max has five-level paging.
check-lab-max:
	+@$(MAKE) --no-print-directory O=$(O) check-lab LAB_OPTIONS="--cpu max"
check-lab-%:
	+@$(MAKE) --no-print-directory O=$(O) check-lab LAB_KERNEL=$*

# Under Bochs: VT-x, and an AMD-V that TCG does not have.
check-vmx: lab-ready ## a short set of integration tests under Bochs, on Intel and AMD models
	@$(HVLAB) prepare --backend vmx
	@tests/lab/check-bochs $(O) short

check-vmx-long: lab-ready ## the tests that fit into an L1 under Bochs, on every model
	+@$(MAKE) --no-print-directory O=$(O) module KERNEL=7.2 KDIR= WERROR=1
	@$(HVLAB) prepare --backend vmx
	@$(HVLAB) prepare --backend vmx --kernel 7.2
	@tests/lab/check-bochs $(O) long

check-host: userspace test-programs ## integration tests on this machine, as root; TESTS="name..."
	+@$(MAKE) --no-print-directory O=$(O) module KDIR=/lib/modules/$$(uname -r)/build KERNEL=
	@tests/lab/mkinitrd $(O)/tests/guest.initrd tests/lab/guest-init.sh
	@tests/lab/run-tests --host $(O) $(TESTS)

ifeq ($(HOST),)
demo: lab-ready ## a Debian guest on the module, in the lab; with a terminal, a shell in it
	@tests/lab/demo $(O) $(lab_module)
else
demo: ## ... with HOST=1 on this very machine, which needs AMD-V or VT-x
	@tests/lab/demo --can-host
	+@$(MAKE) --no-print-directory O=$(O) userspace
	$(need) $(PACKAGES_BUILD) busybox-static linux-headers-$$(uname -r)
	+@$(MAKE) --no-print-directory O=$(O) module KDIR=/lib/modules/$$(uname -r)/build KERNEL=
	@tests/lab/mkinitrd $(O)/tests/guest.initrd tests/lab/guest-init.sh
	@tests/lab/demo --host $(O) $(O)/kmod-$$(uname -r)/myhv.ko
endif

check_targets := all check-pure check-unit check-headers sparse doc-check check-man check-install \
	check-style analyze check-hvlab check-lab check-vmx

check: ## everything that is quick, and the lab; ends with "N passed, N failed"
	@tests/lab/check-all $(O) $(check_targets)

check-long: check ## check, then all integration tests on every host, the long ones too
	@LONG=1 tests/lab/check-all $(O) sparse-6.12 check-power check-power-7.2 check-lab \
		$(addprefix check-lab-,max 6.12 7.2 debug) check-vmx-long
