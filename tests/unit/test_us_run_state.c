// SPDX-License-Identifier: GPL-2.0-or-later
/* Stop and go on: who is told, in which order, and which reason wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run_state.h"
#include "vcpu.h"

static int wakes;
static enum run_state told[8];
static int tellings;

static void wake(void *context)
{
	wakes++;
}

static void changed(void *context, enum run_state state)
{
	struct vcpus *vcpus = context;

	assert_true(vcpus->hold);
	told[tellings++] = state;
}

static void test_run_state(void **state)
{
	struct vcpus vcpus = { .count = 0, .hold = true };
	struct run_listener listener = { .changed = changed, .context = &vcpus };
	struct run_control control;

	pthread_mutex_init(&vcpus.lock, NULL);
	pthread_cond_init(&vcpus.changed, NULL);
	run_control_init(&control, wake, NULL);
	run_state_listen(&control, &listener);
	vcpus_resume(&vcpus);

	/* nothing was asked for */
	run_state_act(&control, &vcpus);
	assert_false(vcpus.hold);
	assert_int_equal(tellings, 0);

	/* the heavier reason wins, whoever comes first */
	run_state_stop(&control, RUN_IO_ERROR);
	run_state_stop(&control, RUN_PAUSED);
	assert_int_equal(wakes, 2);
	assert_int_equal(run_state_get(&control), RUN_IO_ERROR);
	assert_true(run_is_on(&control));
	run_state_act(&control, &vcpus);
	assert_false(run_is_on(&control));
	assert_true(vcpus.hold);
	assert_int_equal(tellings, 1);
	assert_int_equal(told[0], RUN_IO_ERROR);

	/* listeners are told before the vCPUs go on */
	run_state_cont(&control);
	run_state_act(&control, &vcpus);
	assert_false(vcpus.hold);
	assert_int_equal(tellings, 2);
	assert_int_equal(told[1], RUN_RUNNING);

	/* stop and cont before the main thread looks: a disk's request still waits for it */
	run_state_stop(&control, RUN_IO_ERROR);
	run_state_cont(&control);
	run_state_act(&control, &vcpus);
	assert_int_equal(tellings, 4);
	assert_int_equal(told[2], RUN_IO_ERROR);
	assert_int_equal(told[3], RUN_RUNNING);
	assert_false(vcpus.hold);

	/* cont of what runs */
	run_state_cont(&control);
	run_state_act(&control, &vcpus);
	assert_int_equal(tellings, 4);

	/* what has switched off can begin anew after a reset */
	run_state_stop(&control, RUN_SHUTDOWN);
	run_state_act(&control, &vcpus);
	run_state_reset(&control);
	assert_int_equal(run_state_get(&control), RUN_PRELAUNCH);
	assert_false(run_is_on(&control));

	assert_string_equal(run_state_name(RUN_IO_ERROR), "io-error");
	assert_string_equal(run_state_name(RUN_RUNNING), "running");
	run_control_destroy(&control);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
