// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts by eventfd reach the guest: edge, level with resampling, messages; signals
 * from before the assignment; many threads at once; closing and taking away under fire.
 * The guest is in real mode behind the PICs: its handler counts at COUNT and ends the
 * interrupt.
 *
 * hvlab-timeout: 600
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>

#include "api.h"

#define GSI 5
#define COUNT 0x600
#define HANDLER (MINI_CODE + 0x80)

static const uint8_t code[0x80 + 16] = {
	0xfa,				 /* cli */
	0xb0,	       0x11, 0xe6, 0x20, /* ICW1 */
	0xb0,	       0x40, 0xe6, 0x21, /* ICW2: vectors from 0x40 */
	0xb0,	       0x04, 0xe6, 0x21, 0xb0, 0x01,
	0xe6,	       0x21, 0xb0, 0xdf, 0xe6, 0x21, /* only 5 */
	0xb0,	       0x20, 0xba, 0xd0, 0x04, 0x90, /* al = ELCR bit 5; nop or out dx, al */
	0xfb,	       0xf4, 0xeb, 0xfc,	     /* sti; 1: hlt; jmp 1b (back to sti) */
	[0x80] = 0x50, 0xff, 0x06, 0x00, 0x06,	     /* push ax; inc word [COUNT] */
	0xb0,	       0x20, 0xe6, 0x20, 0x58, 0xcf, /* EOI; pop ax; iret */
};
#define ELCR_OUT 26

static struct mini m;
static pthread_t runner;
static volatile bool stop;

static void *run(void *arg)
{
	while (!stop)
		myhv_vcpu_run(&m.vcpu);
	return NULL;
}

static uint16_t taken(void)
{
	return *(volatile uint16_t *)(m.ram + COUNT);
}

static void wait_for(uint16_t want)
{
	for (int i = 0; i < 60000 && taken() < want; i++)
		usleep(1000);
}

/* The guest takes @want interrupts; then a moment for one too many. */
static void expect(uint16_t want, const char *what)
{
	wait_for(want);
	usleep(20000);
	is(taken(), want, "%s", what);
}

static void start(bool level)
{
	uint8_t copy[sizeof(code)];
	static const uint8_t vector[4] = { HANDLER & 0xff, HANDLER >> 8, 0, 0 };

	memcpy(copy, code, sizeof(code));
	if (level)
		copy[ELCR_OUT] = 0xee;
	mini_open(&m, MYHV_IRQCHIP_FULL, copy, sizeof(copy));
	memcpy(m.ram + (0x40 + GSI) * 4, vector, sizeof(vector));
	stop = false;
	pthread_create(&runner, NULL, run, NULL);
	usleep(50000);
}

static void end(void)
{
	stop = true;
	myhv_vcpu_kick(&m.vcpu);
	pthread_join(runner, NULL);
	mini_close(&m);
}

static int irqfd(int fd, uint32_t flags, int resample)
{
	struct myhv_irqfd arg = { .fd = fd, .gsi = GSI, .flags = flags, .resample_fd = resample };

	return myhv_irqfd(m.vm, &arg);
}

static void signal_fd(int fd)
{
	eventfd_write(fd, 1);
}

static void edge(void)
{
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t value;

	start(false);
	is(irqfd(fd, 0, 0), 0, "irqfd");
	expect(1, "what was signalled before the assignment is an interrupt");
	signal_fd(fd);
	expect(2, "a signal is an interrupt");
	for (uint16_t i = 3; i <= 7; i++) {
		signal_fd(fd);
		wait_for(i);
	}
	expect(7, "five more");
	is(eventfd_read(fd, &value), -1, "the kernel has consumed the signals");
	is(irqfd(fd, MYHV_IRQFD_DEASSIGN, 0), 0, "taken away");
	signal_fd(fd);
	expect(7, "then a signal is none");
	is(eventfd_read(fd, &value), 0, "and stays in the eventfd");
	end();
	close(fd);
}

/* How often @resample was signalled, as soon as it was: the handler counts before its EOI. */
static eventfd_t told(int resample)
{
	struct pollfd p = { .fd = resample, .events = POLLIN };
	eventfd_t value = 0;

	poll(&p, 1, 60000);
	eventfd_read(resample, &value);
	return value;
}

static void level(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int resample = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint16_t value;

	start(true);
	is(irqfd(fd, MYHV_IRQFD_RESAMPLE, resample), 0, "irqfd with resample");
	signal_fd(fd);
	expect(1, "a signal is one level interrupt: the EOI lowers the line");
	is(told(resample), 1, "and is told once");
	signal_fd(fd);
	expect(2, "again");
	is(told(resample), 1, "and is told again");
	/* the line is shared with user space */
	myhv_irq_line(m.vm, GSI, 1);
	wait_for(100);
	ok(taken() >= 100, "a line that user space holds interrupts for ever");
	myhv_irq_line(m.vm, GSI, 0);
	/* the handler may have been under way for longer */
	for (int tries = 0; tries < 100; tries++) {
		usleep(50000);
		value = taken();
		usleep(50000);
		if (taken() == value)
			break;
	}
	is(taken(), value, "until it lets go");
	end();
	close(fd);
	close(resample);
}

static void message(void)
{
	struct myhv_irq_route route = {
		.gsi = GSI,
		.type = MYHV_ROUTE_MSI,
		.msi = { .address = 0xfee00000, .data = 0x400 }, /* NMI */
	};
	static const uint8_t nmi[] = { 0xff, 0x06, 0x00, 0x06, 0xcf }; /* inc; iret */
	static const uint8_t vector[4] = { 0x00, 0x20, 0, 0 };
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	start(false);
	memcpy(m.ram + 0x2000, nmi, sizeof(nmi));
	memcpy(m.ram + 2 * 4, vector, sizeof(vector));
	is(myhv_irq_routing(m.vm, &route, 1), 0, "a GSI that is a message");
	is(irqfd(fd, 0, 0), 0, "irqfd");
	signal_fd(fd);
	expect(1, "a signal is an NMI by message");
	is(myhv_irq_routing(m.vm, NULL, 0), 0, "no route any more");
	signal_fd(fd);
	expect(1, "then it is nothing");
	end();
	close(fd);
}

static int shared_fd;

static void *signal_often(void *arg)
{
	while (!stop) {
		eventfd_write(shared_fd, 1);
		sched_yield();
	}
	return NULL;
}

/* Four threads signal while the irqfd comes and goes and eventfds are closed. */
static void under_fire(void)
{
	pthread_t threads[4];
	uint16_t before;
	int rounds = 0, failed = 0, closed;
	time_t until;

	start(false);
	shared_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, signal_often, NULL);
	before = taken();
	for (until = time(NULL) + 3; time(NULL) < until; rounds++) {
		failed += irqfd(shared_fd, 0, 0) != 0;
		closed = eventfd(rounds & 1, EFD_CLOEXEC);
		failed += irqfd(closed, rounds & 2 ? MYHV_IRQFD_RESAMPLE : 0, shared_fd) != 0;
		close(closed);
		failed += irqfd(shared_fd, MYHV_IRQFD_DEASSIGN, 0) != 0;
	}
	is(failed, 0, "%d rounds of assign, close and take away", rounds);
	ok(taken() != before, "with interrupts");
	irqfd(shared_fd, 0, 0);
	end(); /* the VM goes while they signal */
	stop = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	close(shared_fd);
}

int main(void)
{
	edge();
	level();
	message();
	under_fire();
	return done_testing();
}
