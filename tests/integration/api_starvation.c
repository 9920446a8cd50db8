// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that spins must not hold up the host: timers, softirqs (network packets over
 * loopback), other threads and RCU go on, on the very same CPU.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#include "api.h"

#define TEST_SECONDS 1.0
#define TRIES 5

static volatile bool stop;
static double exits_per_second;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bail_out("cannot stay on CPU %d", cpu);
}

static void *run_guest(void *arg)
{
	struct mini *m = arg;
	unsigned long exits = 0;
	double start = now();

	pin_to(0);
	while (!stop) {
		myhv_vcpu_run(&m->vcpu);
		exits++;
	}
	exits_per_second = exits / (now() - start);
	return NULL;
}

/* Ticks of a 10 ms timer that were seen, on the guest's CPU; each may come late. */
static unsigned int count_ticks(double seconds)
{
	struct itimerspec every = { { 0, 10000000 }, { 0, 10000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	double end = now() + seconds;
	uint64_t n, total = 0;

	timerfd_settime(fd, 0, &every, NULL);
	while (now() < end) {
		if (read(fd, &n, sizeof(n)) == sizeof(n))
			total += n;
	}
	close(fd);
	return total;
}

/* Wakeups of a thread that sleeps 10 ms at a time. */
static unsigned int count_wakeups(double seconds)
{
	struct timespec t = { 0, 10000000 };
	double end = now() + seconds;
	unsigned int n = 0;

	while (now() < end) {
		nanosleep(&t, NULL);
		n++;
	}
	return n;
}

/* UDP packets to ourselves: each needs a softirq of this CPU. Returns round trips. */
static unsigned int count_packets(double seconds, double *slowest)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval timeout = { .tv_sec = 1 };
	socklen_t length = sizeof(to);
	int rx = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int tx = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	double end = now() + seconds;
	unsigned int n = 0;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(rx, (struct sockaddr *)&to, sizeof(to)) ||
	    getsockname(rx, (struct sockaddr *)&to, &length))
		skip_all("no loopback network here");
	setsockopt(rx, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	*slowest = 0;
	while (now() < end) {
		char packet[64] = "a packet";
		double start = now(), took;

		if (sendto(tx, packet, sizeof(packet), 0, (struct sockaddr *)&to, length) < 0)
			skip_all("loopback does not work: %s", strerror(errno));
		if (recv(rx, packet, sizeof(packet), 0) < 0)
			break;
		took = now() - start;
		if (took > *slowest)
			*slowest = took;
		n++;
		sched_yield();
	}
	close(rx);
	close(tx);
	return n;
}

static void beside(const char *what, const uint8_t *code, size_t bytes)
{
	double slowest, start, took;
	unsigned int n;
	pthread_t thread;
	struct mini m;

	mini_open(&m, MYHV_IRQCHIP_NONE, code, bytes);
	stop = false;
	pthread_create(&thread, NULL, run_guest, &m);
	usleep(100000);
	n = count_ticks(TEST_SECONDS);
	ok(n > TEST_SECONDS * 100 * 0.8, "%s: %u ticks of a 100 Hz timer", what, n);
	/* what starves us does so each time; another guest of our own host does not */
	n = count_wakeups(TEST_SECONDS);
	for (int tries = 0; tries < TRIES && n <= TEST_SECONDS * 10; tries++)
		n = count_wakeups(TEST_SECONDS);
	ok(n > TEST_SECONDS * 10, "%s: %u wakeups of a sleeping thread", what, n);
	n = count_packets(TEST_SECONDS, &slowest);
	for (int tries = 0; tries < TRIES && (n <= 20 || slowest >= 0.9); tries++)
		n = count_packets(TEST_SECONDS, &slowest);
	ok(n > 20 && slowest < 0.9, "%s: %u packets, the slowest took %.1f ms", what, n,
	   slowest * 1000);
	start = now();
	stop = true;
	myhv_vcpu_kick(&m.vcpu);
	pthread_join(thread, NULL);
	took = now() - start;
	ok(took < 30, "%s: a kick ends it after %.1f ms", what, took * 1000);
	note("%s: %.0f exits a second", what, exits_per_second);
	mini_close(&m);
}

int main(void)
{
	static const uint8_t spin[] = { 0xeb, 0xfe };
	static const uint8_t spin_cli[] = { 0xfa, 0xeb, 0xfe };
	static const uint8_t cpuid[] = { 0x0f, 0xa2, 0xeb, 0xfc };
	static const uint8_t out[] = { 0xe6, 0x80, 0xeb, 0xfc };
	static const uint8_t pause[] = { 0xf3, 0x90, 0xeb, 0xfc };

	pin_to(0);
	beside("spinning", spin, sizeof(spin));
	beside("spinning, interrupts off", spin_cli, sizeof(spin_cli));
	beside("exits handled in the kernel", cpuid, sizeof(cpuid));
	beside("exits to user space", out, sizeof(out));
	beside("PAUSE", pause, sizeof(pause));
	return done_testing();
}
