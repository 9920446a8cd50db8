// SPDX-License-Identifier: GPL-2.0-or-later
#include "api.h"

int ioc(int fd, unsigned long request, void *arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

unsigned long with_size(unsigned long request, size_t bytes)
{
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), bytes);
}

void check_sizes(const char *name, int fd, unsigned long request, const void *arg, size_t bytes,
		 int want, bool repeat)
{
	uint8_t *longer = calloc(1, bytes + 64);
	int r;

	is(ioc(fd, request, BAD_POINTER), -EFAULT, "%s: bad pointer", name);
	memcpy(longer, arg, bytes);
	longer[bytes + 20] = 1;
	is(ioc(fd, with_size(request, bytes + 64), longer), -E2BIG,
	   "%s: longer struct with something in its tail", name);
	if (repeat) {
		memcpy(longer, arg, bytes);
		longer[bytes + 20] = 0;
		r = ioc(fd, with_size(request, bytes + 64), longer);
		if (want)
			is(r, want, "%s: longer struct with an empty tail", name);
		else
			ok(r >= 0, "%s: longer struct with an empty tail (%d)", name, r);
	}
	free(longer);
}

int sys_open(void)
{
	int fd = myhv_open(NULL);

	if (fd == -ENOENT || fd == -ENODEV)
		skip_all("no " MYHV_DEVICE);
	if (fd < 0)
		bail_out("opening " MYHV_DEVICE ": %s", strerror(-fd));
	return fd;
}

int vm_open(int irqchip)
{
	int sys = sys_open();
	int vm = myhv_vm_create(sys, irqchip, irqchip == MYHV_IRQCHIP_FULL ? MYHV_VM_PIT : 0, "api");

	if (vm < 0)
		bail_out("creating a VM: %s", strerror(-vm));
	close(sys);
	return vm;
}

void mini_restart(struct mini *m, const void *code, size_t bytes)
{
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));
	uint32_t groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS;
	int r;

	memcpy(m->ram + MINI_CODE, code, bytes);
	r = myhv_vcpu_state_get(&m->vcpu, groups, s);
	if (r < 0)
		bail_out("reading registers: %s", strerror(-r));
	s->segments.seg[MYHV_SEG_CS].base = 0;
	s->segments.seg[MYHV_SEG_CS].selector = 0;
	memset(&s->general, 0, sizeof(s->general));
	s->general.rip = MINI_CODE;
	s->general.rflags = 2;
	s->general.gpr[MYHV_RSP] = 0x8000;
	r = myhv_vcpu_state_set(&m->vcpu, groups, s);
	if (r < 0)
		bail_out("setting registers: %s", strerror(-r));
	free(s);
}

void mini_open(struct mini *m, int irqchip, const void *code, size_t bytes)
{
	int r;

	memset(m, 0, sizeof(*m));
	m->vm = vm_open(irqchip);
	m->ram = mmap(NULL, MINI_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->ram == MAP_FAILED)
		bail_out("no memory");
	r = myhv_mem_map(m->vm, 0, m->ram, MINI_BYTES, 0);
	if (r < 0)
		bail_out("mapping memory: %s", strerror(-r));
	r = myhv_vcpu_open(&m->vcpu, m->vm, 0);
	if (r < 0)
		bail_out("creating a vCPU: %s", strerror(-r));
	mini_restart(m, code, bytes);
}

int mini_run(struct mini *m)
{
	int r, tries = 0;

	do
		r = myhv_vcpu_run(&m->vcpu);
	while (r == -EINTR && ++tries < 1000);
	return r;
}

void mini_close(struct mini *m)
{
	myhv_vcpu_close(&m->vcpu);
	close(m->vm);
	munmap(m->ram, MINI_BYTES);
}
