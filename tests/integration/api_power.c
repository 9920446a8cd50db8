// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host sleeps, or ends, under running guests. What to do is said by the arguments:
 *
 *	suspend LEVEL		a word of /sys/power/pm_test: from `processors` on all CPUs but one
 *				are switched off, `core` runs what runs with interrupts off. The
 *				guest goes on afterwards.
 *	kexec KERNEL INITRD	another kernel takes the machine over
 *	reboot
 *
 * The lab's root does not outlive the first (virtio's 9p knows no suspend), so this is no
 * part of a test session but of `make check-power`: all that is needed later is in memory.
 */
#include <fcntl.h>
#include <pthread.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>

#include "api.h"

#define COUNTER 0x3000

static struct mini m;
static volatile bool stop;
static volatile int last;

static void *run(void *arg)
{
	while (!stop) {
		last = myhv_vcpu_run(&m.vcpu);
		if (last && last != -EINTR)
			break;
	}
	return NULL;
}

static bool counts(void)
{
	volatile uint16_t *counter = (volatile uint16_t *)(m.ram + COUNTER);
	uint16_t before = *counter;

	for (int ms = 0; ms < 10000 && *counter == before; ms++)
		usleep(1000);
	return *counter != before;
}

static int set_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static void guest_starts(void)
{
	static pthread_t thread;

	/* 1: incw COUNTER; jmp 1b */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xff, 0x06, COUNTER & 0xff, COUNTER >> 8, 0xeb, 0xfa);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		bail_out("mlockall: %s", strerror(errno));
	pthread_create(&thread, NULL, run, NULL);
	ok(counts(), "the guest runs");
}

static int suspend(const char *level)
{
	struct mini second;

	guest_starts();
	is(set_file("/sys/power/pm_test", level), 0, "%s", level);
	is(set_file("/sys/power/state", "mem"), 0, "the host has slept");
	ok(counts(), "the guest goes on");
	ok(counts(), "and on");
	stop = true;
	myhv_vcpu_kick(&m.vcpu);
	for (int ms = 0; last != -EINTR && ms < 5000; ms++)
		usleep(1000);
	is(last, -EINTR, "its run ends with the kick");
	MINI_OPEN(&second, MYHV_IRQCHIP_FULL, 0xe6, 0x80); /* out %al, $0x80 */
	is(mini_run(&second), 0, "another VM runs");
	mini_close(&second);
	return done_testing();
}

/* Comes back only if it fails. */
static int end(unsigned int how)
{
	guest_starts();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, how, NULL);
	bail_out("reboot: %s", strerror(errno));
}

static int kexec(const char *kernel, const char *initrd)
{
	static const char words[] = "console=ttyS0 loglevel=5 cryptomgr.notests";
	int k = open(kernel, O_RDONLY), i = open(initrd, O_RDONLY);

	if (syscall(SYS_kexec_file_load, k, i, sizeof(words), words, 0))
		bail_out("kexec_file_load: %s", strerror(errno));
	return end(LINUX_REBOOT_CMD_KEXEC);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "suspend"))
		return suspend(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "kexec"))
		return kexec(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "reboot"))
		return end(LINUX_REBOOT_CMD_RESTART);
	skip_all("it ends the host: make check-power");
}
