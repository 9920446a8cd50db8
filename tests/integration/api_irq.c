// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines, messages, routing, eventfds and the chips' state: what works and what is refused. */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>

#include "api.h"

static void without_chips(void)
{
	struct myhv_irq_route route = { .type = MYHV_ROUTE_MSI };
	struct myhv_chip chip;
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4);
	is(myhv_irq_line(m.vm, 1, 1), -ENXIO, "no chips: a line");
	is(myhv_irq_msi(m.vm, 0xfee00000, 0x41), -ENXIO, "a message");
	is(myhv_irq_routing(m.vm, &route, 1), -ENXIO, "routing");
	is(myhv_chip_get(m.vm, MYHV_CHIP_IOAPIC, &chip), -ENXIO, "a chip's state");
	is(myhv_vcpu_interrupt(&m.vcpu, MYHV_INTERRUPT_EXTERNAL, 0x41), 0, "an interrupt");
	is(myhv_vcpu_interrupt(&m.vcpu, MYHV_INTERRUPT_EXTERNAL, 0x42), -EBUSY, "a second one");
	is(myhv_vcpu_interrupt(&m.vcpu, MYHV_INTERRUPT_EXTERNAL, 256), -EINVAL, "vector 256");
	is(myhv_vcpu_interrupt(&m.vcpu, 7, 0), -EINVAL, "unknown kind");
	is(myhv_vcpu_interrupt(&m.vcpu, MYHV_INTERRUPT_NMI, 0), 0, "an NMI");
	mini_close(&m);

	MINI_OPEN(&m, MYHV_IRQCHIP_SPLIT, 0xf4);
	is(myhv_chip_get(m.vm, MYHV_CHIP_IOAPIC, &chip), -ENXIO, "split: no IOAPIC");
	is(myhv_chip_get(m.vm, MYHV_CHIP_PIT, &chip), -ENXIO, "split: no PIT");
	mini_close(&m);
}

static void nothing(int signal)
{
}

/* Again and again: the first may come before the run that it is to end. */
static void alarm_every_30_ms(void)
{
	struct itimerval timer = { { .tv_usec = 30000 }, { .tv_usec = 30000 } };
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void no_alarm(void)
{
	struct itimerval never = { 0 };

	setitimer(ITIMER_REAL, &never, NULL);
}

#define LVT0 0x350
#define LVT_MASKED 0x10000
#define DM_EXTINT 0x700

static void set_lvt0(struct mini *m, uint32_t value)
{
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));

	is(myhv_vcpu_state_get(&m->vcpu, MYHV_STATE_LAPIC, s), 0, "LAPIC");
	memcpy(s->lapic.regs + LVT0, &value, sizeof(value));
	is(myhv_vcpu_state_set(&m->vcpu, MYHV_STATE_LAPIC, s), 0, "LVT0 %#x", value);
	free(s);
}

/* The PIC is user space's: its requests come through LINT0. */
static void split_extint(void)
{
	struct mini m;

	/* out 0x10; sti; hlt; out 0x11; hlt    handler at 0x2000: out 0x12; iret */
	static const uint8_t code[] = { 0xe6, 0x10, 0xfb, 0xf4, 0xe6, 0x11, 0xf4 };
	static const uint8_t handler[] = { 0xe6, 0x12, 0xcf };

	mini_open(&m, MYHV_IRQCHIP_SPLIT, code, sizeof(code));
	memcpy(m.ram + 0x2000, handler, sizeof(handler));
	memcpy(m.ram + 0x41 * 4, &(uint32_t){ 0x2000 }, 4);
	set_lvt0(&m, LVT_MASKED);
	is(mini_run(&m), 0, "split: run");
	is(m.vcpu.exit->io.port, 0x10, "to the first port");
	ok(!(m.vcpu.exit->flags & MYHV_EXIT_IRQ_READY), "LINT0 is masked: not ready");
	set_lvt0(&m, DM_EXTINT);
	m.vcpu.page->request_irq_window = 1;
	is(mini_run(&m), 0, "to the window");
	is(m.vcpu.exit->reason, MYHV_EXIT_IRQ_WINDOW, "which opens behind STI");
	ok(m.vcpu.exit->flags & MYHV_EXIT_IRQ_READY, "and says so");
	m.vcpu.page->request_irq_window = 0;
	is(myhv_vcpu_interrupt(&m.vcpu, MYHV_INTERRUPT_EXTERNAL, 0x41), 0, "an interrupt");
	is(myhv_vcpu_interrupt(&m.vcpu, MYHV_INTERRUPT_EXTERNAL, 0x42), -EBUSY, "one at a time");
	is(mini_run(&m), 0, "into the handler");
	is(m.vcpu.exit->io.port, 0x12, "by its vector");
	is(mini_run(&m), 0, "and back");
	is(m.vcpu.exit->io.port, 0x11, "behind HLT");

	/* nothing reaches a CPU whose LINT0 is masked: no window, no end of HLT */
	set_lvt0(&m, LVT_MASKED);
	is(myhv_vcpu_interrupt(&m.vcpu, MYHV_INTERRUPT_EXTERNAL, 0x41), 0, "one that waits");
	m.vcpu.page->request_irq_window = 1;
	alarm_every_30_ms();
	is(myhv_vcpu_run(&m.vcpu), -EINTR, "stays in HLT until the kick");
	no_alarm();
	set_lvt0(&m, DM_EXTINT);
	m.vcpu.page->request_irq_window = 0;
	is(mini_run(&m), 0, "LINT0 lets it through");
	is(m.vcpu.exit->io.port, 0x12, "to the handler");
	mini_close(&m);
}

static void lines(int vm)
{
	struct myhv_irq_line line = { .gsi = 5, .level = 1 };

	is(ioc(vm, MYHV_IRQ_LINE, &line), 0, "a line");
	is(line.status, 1, "delivered, to the PIC");
	line.gsi = 5;
	line.level = 2;
	is(ioc(vm, MYHV_IRQ_LINE, &line), 0, "any level but 0 is high");
	is(line.status, 0, "pending already");
	is(line.level, 2, "only the status is written");
	line.level = 0;
	line.gsi = 1U << 20;
	is(ioc(vm, MYHV_IRQ_LINE, &line), -EINVAL, "a line beyond all");
	line.gsi = 5;
	check_sizes("IRQ_LINE", vm, MYHV_IRQ_LINE, &line, sizeof(line), 0, true);
}

static void messages(int vm)
{
	struct myhv_msi msi = { .address = 0xfee00000, .data = 0x41 };

	ok(ioc(vm, MYHV_IRQ_MSI, &msi) >= 0, "a message");
	msi.flags = 1;
	is(ioc(vm, MYHV_IRQ_MSI, &msi), -EINVAL, "flags must be 0");
	msi.flags = 0;
	msi.address = 0xfee00000 | 0x55 << 12;
	is(ioc(vm, MYHV_IRQ_MSI, &msi), 0, "to nobody: nobody took it");
	msi.address = 0x1000;
	is(ioc(vm, MYHV_IRQ_MSI, &msi), -EINVAL, "an address that is no message");
	msi.address = 0xfee00000;
	check_sizes("IRQ_MSI", vm, MYHV_IRQ_MSI, &msi, sizeof(msi), 0, true);
}

static void routing(int vm)
{
	struct myhv_irq_route r[2] = {
		{ .gsi = 5, .type = MYHV_ROUTE_IRQCHIP, .chip = MYHV_CHIP_IOAPIC, .pin = 7 },
		{ .gsi = 30, .type = MYHV_ROUTE_MSI,
		  .msi = { .address = 0xfee00000, .data = 0x51 } },
	};
	struct myhv_irq_route *many;
	struct myhv_irq_routing arg = { .count = 1, .flags = 1, .routes = (uintptr_t)r };
	uint64_t max;
	int sys = sys_open();

	myhv_prop_get(sys, MYHV_PROP_IRQ_ROUTES, &max);
	close(sys);
	is(myhv_irq_routing(vm, r, 2), 0, "two routes");
	is(ioc(vm, MYHV_IRQ_ROUTING, &arg), -EINVAL, "flags must be 0");
	arg.flags = 0;
	check_sizes("IRQ_ROUTING", vm, MYHV_IRQ_ROUTING, &arg, sizeof(arg), 0, true);
	is(myhv_irq_routing(vm, BAD_POINTER, 2), -EFAULT, "bad pointer to the routes");
	r[0].type = 9;
	is(myhv_irq_routing(vm, r, 1), -EINVAL, "unknown type");
	r[0].type = MYHV_ROUTE_IRQCHIP;
	r[0].chip = MYHV_CHIP_PIT;
	is(myhv_irq_routing(vm, r, 1), -EINVAL, "to a PIT");
	r[0].chip = MYHV_CHIP_IOAPIC;
	r[0].pin = 24;
	is(myhv_irq_routing(vm, r, 1), -EINVAL, "pin 24 of the IOAPIC");
	r[0].chip = MYHV_CHIP_PIC_MASTER;
	r[0].pin = 8;
	is(myhv_irq_routing(vm, r, 1), -EINVAL, "pin 8 of a PIC");
	r[0].pin = 1;
	r[0].gsi = max;
	is(myhv_irq_routing(vm, r, 1), -EINVAL, "a GSI beyond all");
	many = calloc(max + 1, sizeof(*many));
	for (uint64_t i = 0; i <= max; i++)
		many[i] = r[1];
	is(myhv_irq_routing(vm, many, max + 1), -E2BIG, "one route too many");
	free(many);
	is(myhv_irq_routing(vm, NULL, 0), 0, "no routes at all");
	is(myhv_irq_line(vm, 5, 1), 0, "then a line goes nowhere");
	is(myhv_irq_routing(vm, &r[1], 1), 0, "a route to a message");
}

static int irqfd(int vm, int fd, uint32_t gsi, uint32_t flags, int resample)
{
	struct myhv_irqfd arg = { .fd = fd, .gsi = gsi, .flags = flags, .resample_fd = resample };

	return myhv_irqfd(vm, &arg);
}

static void irqfds(int vm)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), other = eventfd(0, EFD_CLOEXEC);
	struct myhv_irqfd arg = { .fd = fd, .gsi = 4 };

	is(irqfd(vm, 999, 4, 0, 0), -EBADF, "irqfd: no descriptor");
	is(irqfd(vm, vm, 4, 0, 0), -EINVAL, "irqfd: not an eventfd");
	is(irqfd(vm, fd, 1U << 20, 0, 0), -EINVAL, "irqfd: a GSI beyond all");
	is(irqfd(vm, fd, 4, 8, 0), -EINVAL, "irqfd: unknown flag");
	is(irqfd(vm, fd, 4, MYHV_IRQFD_DEASSIGN, 0), -ENOENT, "irqfd: not assigned");
	is(irqfd(vm, fd, 4, 0, 0), 0, "irqfd");
	is(irqfd(vm, fd, 4, 0, 0), -EBUSY, "irqfd twice");
	is(irqfd(vm, other, 4, MYHV_IRQFD_RESAMPLE, 999), -EBADF, "no resample descriptor");
	is(irqfd(vm, fd, 4, MYHV_IRQFD_DEASSIGN, 0), 0, "irqfd taken away");
	is(irqfd(vm, fd, 4, MYHV_IRQFD_DEASSIGN, 0), -ENOENT, "irqfd taken away twice");
	check_sizes("IRQFD", vm, MYHV_IRQFD, &arg, sizeof(arg), 0, false);
	is(irqfd(vm, fd, 4, 0, 0), 0, "irqfd whose eventfd is closed first");
	close(fd);
	close(other);
}

static int ioeventfd(int vm, int fd, uint64_t addr, uint32_t len, uint32_t flags, uint64_t match)
{
	struct myhv_ioeventfd arg = {
		.addr = addr, .datamatch = match, .len = len, .fd = fd, .flags = flags
	};

	return myhv_ioeventfd(vm, &arg);
}

static uint64_t signalled(int fd)
{
	uint64_t v = 0;

	return read(fd, &v, sizeof(v)) == sizeof(v) ? v : 0;
}

static void ioeventfds(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct mini m;

	/* out %al, $0x40; mov $5, %al; out %al, $0x40; out %ax, $0x40; mov %al, 0xf000:...; hlt */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xb0, 0x04, 0xe6, 0x40, 0xb0, 0x05, 0xe6, 0x40, 0xe7, 0x40,
		  0xf4);
	is(ioeventfd(m.vm, 999, 0x40, 1, MYHV_IOEVENTFD_PIO, 0), -EBADF, "no descriptor");
	is(ioeventfd(m.vm, m.vm, 0x40, 1, MYHV_IOEVENTFD_PIO, 0), -EINVAL, "not an eventfd");
	is(ioeventfd(m.vm, fd, 0x40, 3, MYHV_IOEVENTFD_PIO, 0), -EINVAL, "3 bytes");
	is(ioeventfd(m.vm, fd, 0x40, 1, 1U << 10, 0), -EINVAL, "unknown flag");
	is(ioeventfd(m.vm, fd, 0x40, 1, MYHV_IOEVENTFD_PIO | MYHV_IOEVENTFD_DEASSIGN, 0), -ENOENT,
	   "not assigned");
	is(ioeventfd(m.vm, fd, 0x40, 1, MYHV_IOEVENTFD_PIO | MYHV_IOEVENTFD_DATAMATCH, 5), 0,
	   "one byte 5 to port 0x40");
	is(ioeventfd(m.vm, fd, 0x40, 1, MYHV_IOEVENTFD_PIO | MYHV_IOEVENTFD_DATAMATCH, 5), -EEXIST,
	   "the same again");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_IO, "the 4 goes to user space");
	is(*(uint8_t *)m.vcpu.data, 4, "it is that one");
	is(signalled(fd), 0, "no signal yet");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_IO, "the word goes to user space");
	is(m.vcpu.exit->io.size, 2, "it is that one");
	is(signalled(fd), 1, "the 5 was signalled");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");
	is(ioeventfd(m.vm, fd, 0x40, 1,
		     MYHV_IOEVENTFD_PIO | MYHV_IOEVENTFD_DATAMATCH | MYHV_IOEVENTFD_DEASSIGN, 5),
	   0, "taken away");
	/* memory: mov $0xf000, %ax; mov %ax, %ds; movb $1, 0xff00 twice; hlt */
	is(ioeventfd(m.vm, fd, 0x10f000, 0, 0, 0), 0, "any length to memory");
	/* ds = 0xffff: 0xffff0 + 0xf010 = 0x10f000 */
	MINI_RESTART(&m, 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xa2, 0x10, 0xf0, 0xa3, 0x10, 0xf0, 0xf4);
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT: no exit for the writes");
	is(signalled(fd), 2, "both were signalled");
	close(fd);
	mini_close(&m);
}

static void chips(int vm)
{
	struct myhv_chip chip, back;

	is(myhv_chip_get(vm, 9, &chip), -EINVAL, "unknown chip");
	is(myhv_chip_get(vm, MYHV_CHIP_IOAPIC, &chip), 0, "IOAPIC");
	is(chip.ioapic.base_address, 0xfec00000, "its address");
	is(chip.ioapic.redirtbl[3] & 0x10000, 0x10000, "its pins are masked");
	chip.ioapic.redirtbl[3] = 0x10031;
	is(myhv_chip_set(vm, &chip), 0, "set");
	is(myhv_chip_get(vm, MYHV_CHIP_IOAPIC, &back), 0, "get");
	is(back.ioapic.redirtbl[3], 0x10031, "comes back");
	is(myhv_chip_get(vm, MYHV_CHIP_PIC_MASTER, &chip), 0, "PIC");
	chip.pic.imr = 0xa5;
	chip.pic.irq_base = 0x20;
	is(myhv_chip_set(vm, &chip), 0, "set");
	is(myhv_chip_get(vm, MYHV_CHIP_PIC_MASTER, &back), 0, "get");
	ok(!memcmp(&chip.pic, &back.pic, sizeof(chip.pic)), "comes back");
	is(myhv_chip_get(vm, MYHV_CHIP_PIT, &chip), 0, "PIT");
	chip.pit.channel[2].mode = 3;
	chip.pit.channel[2].count = 1000;
	chip.pit.channel[2].gate = 1;
	is(myhv_chip_set(vm, &chip), 0, "set");
	is(myhv_chip_get(vm, MYHV_CHIP_PIT, &back), 0, "get");
	is(back.pit.channel[2].count, 1000, "comes back");
	chip.pit.channel[2].mode = 9;
	is(myhv_chip_set(vm, &chip), -EINVAL, "impossible mode");
	chip.pit.channel[2].mode = 3;
	chip.pit.channel[1].count = 0x10001;
	is(myhv_chip_set(vm, &chip), -EINVAL, "impossible count");
	chip.flags = 1;
	is(myhv_chip_set(vm, &chip), -EINVAL, "flags must be 0");
	memset(&chip, 0, sizeof(chip));
	chip.chip = MYHV_CHIP_IOAPIC;
	check_sizes("CHIP_GET", vm, MYHV_CHIP_GET, &chip, sizeof(chip), 0, true);
}

/* A client of KVM's API creates the VM first and its chips later. */
static void late_chips(void)
{
	struct myhv_chip chip;
	struct myhv_vcpu vcpu;
	uint64_t value;
	int vm = vm_open(MYHV_IRQCHIP_NONE);

	is(myhv_prop_set(vm, MYHV_PROP_VM_PIT, 1), -EINVAL, "a PIT without a PIC");
	is(myhv_prop_set(vm, MYHV_PROP_VM_IRQCHIP, MYHV_IRQCHIP_NONE), -EINVAL, "no chips");
	is(myhv_prop_set(vm, MYHV_PROP_VM_IRQCHIP, 3), -EINVAL, "unknown chips");
	is(myhv_prop_set(vm, MYHV_PROP_VM_IRQCHIP, MYHV_IRQCHIP_FULL), 0, "all chips, later");
	is(myhv_prop_set(vm, MYHV_PROP_VM_IRQCHIP, MYHV_IRQCHIP_FULL), -EBUSY, "twice");
	is(myhv_chip_get(vm, MYHV_CHIP_IOAPIC, &chip), 0, "an IOAPIC");
	ok(myhv_irq_line(vm, 5, 1) >= -1, "a line");
	is(myhv_prop_get(vm, MYHV_PROP_VM_PIT, &value), 0, "a PIT?");
	is(value, 0, "not yet");
	is(myhv_vcpu_open(&vcpu, vm, 0), 0, "a vCPU");
	is(myhv_vcpu_state_get(&vcpu, MYHV_STATE_LAPIC, calloc(1, sizeof(*vcpu.state))), 0,
	   "with a LAPIC");
	is(myhv_prop_set(vm, MYHV_PROP_VM_PIT, 0), -EINVAL, "a PIT does not go away");
	is(myhv_prop_set(vm, MYHV_PROP_VM_PIT, 1), 0, "a PIT beside a vCPU");
	is(myhv_prop_set(vm, MYHV_PROP_VM_PIT, 1), -EBUSY, "twice");
	is(myhv_chip_get(vm, MYHV_CHIP_PIT, &chip), 0, "its state");
	myhv_vcpu_close(&vcpu);
	close(vm);

	vm = vm_open(MYHV_IRQCHIP_NONE);
	is(myhv_prop_set(vm, MYHV_PROP_VM_IRQCHIP, MYHV_IRQCHIP_SPLIT), 0, "split, later");
	is(myhv_prop_set(vm, MYHV_PROP_VM_PIT, 1), -EINVAL, "and no PIT");
	close(vm);

	vm = vm_open(MYHV_IRQCHIP_NONE);
	is(myhv_vcpu_open(&vcpu, vm, 0), 0, "a vCPU without chips");
	is(myhv_prop_set(vm, MYHV_PROP_VM_IRQCHIP, MYHV_IRQCHIP_FULL), -EBUSY, "too late");
	myhv_vcpu_close(&vcpu);
	close(vm);
}

int main(void)
{
	int vm = vm_open(MYHV_IRQCHIP_FULL);
	struct myhv_vcpu vcpu;

	is(myhv_vcpu_open(&vcpu, vm, 0), 0, "a vCPU");
	without_chips();
	split_extint();
	late_chips();
	lines(vm);
	messages(vm);
	routing(vm);
	irqfds(vm);
	ioeventfds();
	chips(vm);
	myhv_vcpu_close(&vcpu);
	close(vm);
	return done_testing();
}
