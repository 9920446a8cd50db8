// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory that user space provides on demand (userfaultfd): the guest waits for
 * its pages, sees what was put there, and a run that waits can be killed.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "api.h"

#define PAGE 4096u
#define DATA 0x20000u
#define PAGES 64u

/* sum the first word of 64 pages from 0x20000 on, report it at port 0x10, again */
static const uint8_t sum_pages[] = {
	0x31, 0xdb,		/* xor %bx, %bx */
	0xb8, 0x00, 0x20,	/* mov $0x2000, %ax */
	0xb9, 0x40, 0x00,	/* mov $64, %cx */
	0x8e, 0xd8,		/* next: mov %ax, %ds */
	0x03, 0x1e, 0x00, 0x00, /* add 0, %bx */
	0x05, 0x00, 0x01,	/* add $0x100, %ax */
	0xe2, 0xf5,		/* loop next */
	0x89, 0xd8,		/* mov %bx, %ax */
	0xe7, 0x10,		/* out %ax, $0x10 */
	0xeb, 0xe7,		/* jmp start */
};

struct pager {
	int fd;
	uint8_t *base;
	volatile unsigned int faults;
	volatile bool stop;
	unsigned int delay_us;
};

static void uffd_open(struct pager *p, void *range, size_t bytes)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { (uintptr_t)range, bytes },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };

	p->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (p->fd < 0)
		skip_all("no userfaultfd: %s", strerror(errno));
	if (ioctl(p->fd, UFFDIO_API, &api) || ioctl(p->fd, UFFDIO_REGISTER, &reg))
		bail_out("userfaultfd: %s", strerror(errno));
}

static void *serve(void *arg)
{
	struct pager *p = arg;
	uint8_t page[PAGE];
	struct uffd_msg msg;
	struct uffdio_copy copy;
	uint64_t address;

	while (!p->stop) {
		struct pollfd fd = { .fd = p->fd, .events = POLLIN };

		if (poll(&fd, 1, 20) <= 0 || read(p->fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		usleep(p->delay_us);
		address = msg.arg.pagefault.address & ~(uint64_t)(PAGE - 1);
		memset(page, 0, sizeof(page));
		*(uint16_t *)page = (address - (uintptr_t)p->base) / PAGE + 1;
		copy = (struct uffdio_copy){ .dst = address, .src = (uintptr_t)page, .len = PAGE };
		p->faults++;
		ioctl(p->fd, UFFDIO_COPY, &copy);
	}
	return NULL;
}

static int run_to_out(struct mini *m)
{
	int r = mini_run(m);

	if (!r && m->vcpu.exit->reason != MYHV_EXIT_IO)
		return 1000 + m->vcpu.exit->reason;
	return r ? r : *(uint16_t *)m->vcpu.data;
}

static void pages_on_demand(void)
{
	struct pager p = { .delay_us = 200 };
	pthread_t thread;
	struct mini m;
	unsigned int round;

	mini_open(&m, MYHV_IRQCHIP_NONE, sum_pages, sizeof(sum_pages));
	p.base = m.ram + DATA;
	uffd_open(&p, p.base, PAGES * PAGE);
	pthread_create(&thread, NULL, serve, &p);
	is(run_to_out(&m), PAGES * (PAGES + 1) / 2, "the guest sums what was provided");
	is(p.faults, PAGES, "each page was asked for once");
	is(run_to_out(&m), PAGES * (PAGES + 1) / 2, "and again");
	is(p.faults, PAGES, "without another fault");
	for (round = 0; round < 5; round++) {
		madvise(p.base, PAGES * PAGE, MADV_DONTNEED);
		if (run_to_out(&m) != PAGES * (PAGES + 1) / 2)
			break;
	}
	is(round, 5, "pages that are dropped are provided anew");
	is(p.faults, 6 * PAGES, "one fault each");
	p.stop = true;
	pthread_join(thread, NULL);
	close(p.fd);
	mini_close(&m);
}

/* Nobody serves: the run waits. A signal that kills must get through, and leave nothing. */
static void killed_while_waiting(void)
{
	int status, tries;
	pid_t pid = fork();

	if (!pid) {
		struct pager p = { 0 };
		struct mini m;

		mini_open(&m, MYHV_IRQCHIP_NONE, sum_pages, sizeof(sum_pages));
		uffd_open(&p, m.ram + DATA, PAGES * PAGE);
		mini_run(&m);
		_exit(1);
	}
	usleep(200000);
	is(waitpid(pid, &status, WNOHANG), 0, "a run without its page waits");
	kill(pid, SIGKILL);
	for (tries = 0; tries < 1200 && !waitpid(pid, &status, WNOHANG); tries++)
		usleep(50000);
	ok(tries < 1200, "SIGKILL ends it");
	ok(tries < 1200 && WIFSIGNALED(status), "and nothing else did");
}

int main(void)
{
	pages_on_demand();
	killed_while_waiting();
	return done_testing();
}
