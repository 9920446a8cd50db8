// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A vCPU's thread: run the guest, look at why it came back, do what it wants. Read
 * vcpu_thread() first, then the table of exits.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vcpu.h"

#define MAX_DUMPS 3
#define STOP_SECONDS 5

/* ---- exits ---- */

static void handle_io(struct vcpu *vcpu)
{
	const struct myhv_exit *exit = vcpu->hv.exit;
	struct bus *pio = vcpu->group->pio;
	unsigned int size = exit->io.size;
	uint8_t *data = vcpu->hv.data;
	uint64_t value = 0;

	if (exit->io.count != 1) {
		if (exit->io.is_write)
			bus_write_string(pio, exit->io.port, size, exit->io.count, data);
		else
			bus_read_string(pio, exit->io.port, size, exit->io.count, data);
	} else if (exit->io.is_write) {
		memcpy(&value, data, size);
		bus_write(pio, exit->io.port, size, value);
	} else {
		value = bus_read(pio, exit->io.port, size);
		memcpy(data, &value, size);
	}
}

static void handle_mmio(struct vcpu *vcpu)
{
	struct myhv_exit *exit = vcpu->hv.exit;
	uint64_t value = 0;

	if (exit->mmio.is_write) {
		memcpy(&value, exit->mmio.data, exit->mmio.size);
		bus_write(vcpu->group->mmio, exit->mmio.gpa, exit->mmio.size, value);
	} else {
		value = bus_read(vcpu->group->mmio, exit->mmio.gpa, exit->mmio.size);
		memcpy(exit->mmio.data, &value, exit->mmio.size);
	}
}

static void handle_nothing(struct vcpu *vcpu)
{
}

static void handle_shutdown(struct vcpu *vcpu)
{
	if (atomic_fetch_add(&vcpu->group->dumps, 1) < MAX_DUMPS) {
		fprintf(stderr, "hvrun: vCPU %u: triple fault\n", vcpu->hv.id);
		vcpu_dump(vcpu, stderr);
	}
	power_request(vcpu->group->power, POWER_RESET_CRASH, "triple fault");
}

static void broken(struct vcpu *vcpu)
{
	vcpu_dump(vcpu, stderr);
	power_request(vcpu->group->power, POWER_BROKEN, "vCPU");
}

static void handle_emulation(struct vcpu *vcpu)
{
	const struct myhv_exit *exit = vcpu->hv.exit;

	fprintf(stderr,
		"hvrun: vCPU %u: an instruction at rip %#" PRIx64 " that myhv cannot emulate:",
		vcpu->hv.id, (uint64_t)exit->rip);
	for (uint32_t i = 0; i < exit->emulation.length && i < sizeof(exit->emulation.insn); i++)
		fprintf(stderr, " %02x", exit->emulation.insn[i]);
	fputc('\n', stderr);
	broken(vcpu);
}

static void handle_fail_entry(struct vcpu *vcpu)
{
	const struct myhv_exit *exit = vcpu->hv.exit;

	fprintf(stderr,
		"hvrun: vCPU %u: host CPU %u refused to enter the guest: reason %#" PRIx64
		" info %#" PRIx64 " %#" PRIx64 "\n",
		vcpu->hv.id, exit->fail_entry.host_cpu, (uint64_t)exit->fail_entry.hw_reason,
		(uint64_t)exit->fail_entry.info[0], (uint64_t)exit->fail_entry.info[1]);
	broken(vcpu);
}

static void handle_memory_fault(struct vcpu *vcpu)
{
	const struct myhv_exit *exit = vcpu->hv.exit;

	fprintf(stderr,
		"hvrun: vCPU %u: the host has no memory for guest address %#" PRIx64 ": %s\n",
		vcpu->hv.id, (uint64_t)exit->memory_fault.gpa, strerror(-exit->memory_fault.error));
	broken(vcpu);
}

static void handle_unexpected(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->hv.exit->reason;

	fprintf(stderr, "hvrun: vCPU %u: unexpected exit %u (%s)\n", vcpu->hv.id, reason,
		myhv_exit_name(reason));
	broken(vcpu);
}

/* Reasons without an entry were not asked for, so they are unexpected. */
static void (*const exit_handlers[])(struct vcpu *vcpu) = {
	[MYHV_EXIT_IO] = handle_io,
	[MYHV_EXIT_MMIO] = handle_mmio,
	[MYHV_EXIT_HLT] = handle_nothing,
	[MYHV_EXIT_INTR] = handle_nothing,
	[MYHV_EXIT_SHUTDOWN] = handle_shutdown,
	[MYHV_EXIT_MEMORY_FAULT] = handle_memory_fault,
	[MYHV_EXIT_EMULATION] = handle_emulation,
	[MYHV_EXIT_FAIL_ENTRY] = handle_fail_entry,
};

static void handle_exit(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->hv.exit->reason;

	if (reason < sizeof(exit_handlers) / sizeof(exit_handlers[0]) && exit_handlers[reason])
		exit_handlers[reason](vcpu);
	else
		handle_unexpected(vcpu);
}

static void handle_run_error(struct vcpu *vcpu, int error)
{
	fprintf(stderr, "hvrun: vCPU %u: the kernel cannot run it: %s (exit %s)\n", vcpu->hv.id,
		strerror(-error), myhv_exit_name(vcpu->hv.exit->reason));
	broken(vcpu);
}

/* ---- the thread ---- */

/* false: interrupted before or instead of an exit. */
static bool run_once(struct vcpu *vcpu)
{
	int r = myhv_vcpu_run(&vcpu->hv);

	if (r == -EINTR || r == -EAGAIN)
		return false;
	if (r == 0 || r == -EFAULT)
		handle_exit(vcpu);
	else
		handle_run_error(vcpu, r);
	return true;
}

/*
 * Let the kernel finish the access that the last exit was about, without entering the
 * guest: from then on the registers are whole and may be read or replaced.
 */
static void finish_access(struct vcpu *vcpu)
{
	vcpu->hv.page->immediate_exit = 1;
	while (run_once(vcpu) && power_pending(vcpu->group->power) != POWER_BROKEN)
		;
	vcpu->hv.page->immediate_exit = 0;
}

/* Returns when the vCPU may run: true, or has to end: false. */
static bool wait_for_permission(struct vcpu *vcpu)
{
	struct vcpus *vcpus = vcpu->group;
	bool may_run;

	finish_access(vcpu);

	pthread_mutex_lock(&vcpus->lock);
	vcpus->parked++;
	pthread_cond_broadcast(&vcpus->changed);
	while ((vcpus->hold || power_pending(vcpus->power)) && !vcpus->quit)
		pthread_cond_wait(&vcpus->changed, &vcpus->lock);
	vcpus->parked--;
	may_run = !vcpus->quit;
	pthread_mutex_unlock(&vcpus->lock);
	return may_run;
}

static bool must_wait(struct vcpu *vcpu)
{
	return atomic_load_explicit(&vcpu->group->hold, memory_order_acquire) ||
	       power_pending(vcpu->group->power);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	atomic_store(&vcpu->tid, gettid());
	for (;;) {
		if (must_wait(vcpu) && !wait_for_permission(vcpu))
			return NULL;
		run_once(vcpu);
	}
}

/* ---- control, from the main thread ---- */

/* For top and gdb; that it fails does not matter. */
static void name_thread(struct vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->hv.id);
	if (vcpu->started)
		pthread_setname_np(vcpu->thread, name);
}

int vcpus_start(struct vcpus *vcpus, struct error *err)
{
	pthread_attr_t attr;
	int r = 0;

	vcpus->hold = true;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (unsigned int i = 0; i < vcpus->count && r == 0; i++) {
		struct vcpu *vcpu = &vcpus->vcpu[i];

		r = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);
		vcpu->started = r == 0;
		name_thread(vcpu);
	}
	pthread_attr_destroy(&attr);
	if (r)
		return error_set(err, "cannot start a thread: %s", strerror(r));
	return 0;
}

static void kick_all(struct vcpus *vcpus)
{
	for (unsigned int i = 0; i < vcpus->count; i++)
		if (vcpus->vcpu[i].started)
			myhv_vcpu_kick(&vcpus->vcpu[i].hv);
}

void vcpus_pause(struct vcpus *vcpus)
{
	atomic_store(&vcpus->hold, true);
	kick_all(vcpus);

	pthread_mutex_lock(&vcpus->lock);
	while (vcpus->parked < vcpus->count)
		pthread_cond_wait(&vcpus->changed, &vcpus->lock);
	pthread_mutex_unlock(&vcpus->lock);
}

void vcpus_resume(struct vcpus *vcpus)
{
	pthread_mutex_lock(&vcpus->lock);
	atomic_store(&vcpus->hold, false);
	pthread_cond_broadcast(&vcpus->changed);
	pthread_mutex_unlock(&vcpus->lock);
}

static int join(struct vcpu *vcpu)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_SECONDS;
	if (pthread_timedjoin_np(vcpu->thread, NULL, &until)) {
		fprintf(stderr, "hvrun: vCPU %u does not stop\n", vcpu->hv.id);
		return -1;
	}
	vcpu->started = false;
	return 0;
}

int vcpus_stop(struct vcpus *vcpus)
{
	int r = 0;

	if (!vcpus->count)
		return 0;
	pthread_mutex_lock(&vcpus->lock);
	vcpus->quit = true;
	atomic_store(&vcpus->hold, true);
	pthread_cond_broadcast(&vcpus->changed);
	pthread_mutex_unlock(&vcpus->lock);

	kick_all(vcpus);
	for (unsigned int i = 0; i < vcpus->count; i++)
		if (vcpus->vcpu[i].started && join(&vcpus->vcpu[i]) < 0)
			r = -1;
	return r;
}
