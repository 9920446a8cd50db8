# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make help` lists the targets. Everything that is built lands below O (default
# build/), nothing in the source tree. The module's sources are mirrored as links
# into O/kmod-RELEASE/, so that builds for several kernels stand side by side.

O ?= build
override O := $(abspath $(O))
# To the kernel's make O means another thing: it goes on only where it is named.
MAKEOVERRIDES := $(filter-out O=%,$(MAKEOVERRIDES))
srctree := $(CURDIR)
HVLAB := $(srctree)/tests/lab/hvlab
need = @mkdir -p $(O) && $(srctree)/tests/lab/need

# Which kernel the module is built for: KDIR=<build directory>, or KERNEL=<one of the
# lab's>. By default the running kernel if its headers are here, else the lab's 6.1.
ifeq ($(KDIR)$(KERNEL),)
  running := /lib/modules/$(shell uname -r)/build
  ifneq ($(wildcard $(running)/Makefile),)
    KDIR := $(running)
  else
    KERNEL := 6.1
  endif
endif
ifneq ($(KERNEL),)
  kmake = +$(HVLAB) kmake --kernel $(KERNEL) --
  krelease = $$($(HVLAB) path release --kernel $(KERNEL))
else
  kmake = $(MAKE) -C $(KDIR)
  krelease = $$(cat $(KDIR)/include/config/kernel.release)
endif
# The kernel that the lab's own checks run on.
LAB_KERNEL ?= 6.1

PACKAGES_BUILD := build-essential python3 kmod xz-utils zstd lz4
PACKAGES_USER := pkg-config libnl-3-dev libnl-route-3-dev libnl-genl-3-dev libslirp-dev \
	liburing-dev libjansson-dev libseccomp-dev libcap-ng-dev libvncserver-dev \
	zlib1g-dev libncurses-dev libncursesw6
PACKAGES_UNIT := libcmocka-dev qemu-utils procps
PACKAGES_LINT := clang-format clang-tidy clang sparse perl man-db
PACKAGES_LAB := qemu-system-x86 seabios ovmf qemu-utils busybox-static cpio mmdebstrap procps
PACKAGES_IMAGES := grub-pc-bin grub-efi-amd64-bin grub-common fdisk e2fsprogs dosfstools mtools \
	xorriso
PACKAGES_KDEBUG := bc flex bison libelf-dev libssl-dev

.DEFAULT_GOAL := all
.PHONY: all module module-for userspace deps clean help FORCE
FORCE:

all: module userspace ## the module and the programs (default)

deps: ## install every Debian package that any target needs
	$(need) $(PACKAGES_BUILD) $(PACKAGES_USER) $(PACKAGES_UNIT) $(PACKAGES_LINT) \
		$(PACKAGES_LAB) $(PACKAGES_IMAGES) $(PACKAGES_KDEBUG)

# ---- the module ----------------------------------------------------------------

# Mirrors the sources as links into $1; links whose target is gone are dropped.
define mirror
	mkdir -p $1
	cp -rsf $(srctree)/Kbuild $(srctree)/kmod $(srctree)/uapi $1/
	find $1 -xtype l -delete
endef

module: ## myhv.ko for KERNEL=... or KDIR=..., W=1; O/myhv.ko is the last one built
	$(need) $(PACKAGES_BUILD)
	@release=$(krelease) && [ -n "$$release" ] && \
	$(MAKE) --no-print-directory O=$(O) module-for kobj=$(O)/kmod-$$release && \
	ln -sfn kmod-$$release/myhv.ko $(O)/myhv.ko

module-for:
	@$(call mirror,$(kobj))
	$(kmake) M=$(kobj) W=1 $(if $(WERROR),KCFLAGS=-Werror) modules

# ---- the programs --------------------------------------------------------------

userspace: ## hvrun and the other programs, into O/
	$(need) $(PACKAGES_BUILD) $(PACKAGES_USER)
	+@if [ -e userspace/Makefile ]; then $(MAKE) --no-print-directory -C userspace O=$(O); fi
	+@$(MAKE) --no-print-directory -C qemu-shim O=$(O)

# ---- installing: what has been built, and nothing is built ---------------------

PREFIX ?= /usr/local
installed_programs := hvrun
# O/myhv.ko goes where the kernel that it was built for looks first.
release = $$(modinfo -F vermagic $(O)/myhv.ko | cut -d' ' -f1)
module_place = $(DESTDIR)/lib/modules/$(release)/updates/myhv.ko
manual_page = $(DESTDIR)$(PREFIX)/share/man/man1/hvrun.1

.PHONY: install uninstall
install: ## the module, programs, manual page, udev rule, examples; PREFIX=/usr/local DESTDIR=
	install -D -m 644 $(O)/myhv.ko $(module_place)
	$(if $(DESTDIR),,depmod $(release))
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(installed_programs:%=$(O)/%) $(DESTDIR)$(PREFIX)/bin/
	install -D -m 644 $(O)/hvrun.1 $(manual_page)
	@$(MAKE) --no-print-directory -C qemu-shim O=$(O) install
	$(if $(DESTDIR),,-udevadm control --reload)

uninstall: ## what install has put there
	rm -f $(module_place) $(installed_programs:%=$(DESTDIR)$(PREFIX)/bin/%) $(manual_page)
	$(if $(DESTDIR),,depmod $(release))
	@$(MAKE) --no-print-directory -C qemu-shim O=$(O) uninstall

include userspace/quiet.mk
include tests/lab/checks.mk
include tests/bench/bench.mk
include qemu-shim/shim.mk

clean: ## remove O
	rm -rf $(O)

help: ## this list
	@echo "make [TARGET] [O=DIR] [KERNEL=6.1|KDIR=DIR] [WERROR=1]"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | \
		awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
