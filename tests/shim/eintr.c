// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM_RUN ends with EINTR for a signal and for immediate_exit, and not because the host wanted the
 * CPU for another thread: a client may wait for the signal then. Passes on KVM and through the
 * shim.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "machine.h"

#define SECONDS 2

static struct machine machine;
static volatile bool stop;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void on_signal(int signal)
{
	(void)signal;
	machine.run->immediate_exit = 1;
}

/* Wants the vCPU's CPU, for a while and again and again. */
static void *rival(void *unused)
{
	struct timespec pause = { 0, 1000000 };
	double end;

	(void)unused;
	while (!stop) {
		for (end = now() + 0.005; now() < end;)
			;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void *ring_later(void *arg)
{
	sleep(SECONDS);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

int main(void)
{
	static const uint8_t code[] = { 0xeb, 0xfe }; /* jmp . */
	struct sigaction act = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), thieves[2], bell;
	unsigned int others = 0;
	cpu_set_t one;
	int r;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one); /* and of all threads from now on */
	machine_open(&machine, 0, false);
	restart(&machine, code, sizeof(code));
	sigaction(SIGUSR1, &act, NULL);
	for (unsigned int i = 0; i < 2; i++)
		pthread_create(&thieves[i], NULL, rival, NULL);
	pthread_create(&bell, NULL, ring_later, &self);
	for (;;) {
		r = call(machine.vcpu, KVM_RUN, NULL);
		if (r != -EINTR || machine.run->immediate_exit)
			break;
		others++;
	}
	is(r, -EINTR, "a signal ends KVM_RUN");
	is(machine.run->exit_reason, KVM_EXIT_INTR, "and it says so");
	is(others, 0, "nothing else ended it in %u seconds beside other threads", SECONDS);
	stop = true;
	pthread_join(bell, NULL);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(thieves[i], NULL);
	return done_testing();
}
