// SPDX-License-Identifier: GPL-2.0-or-later
/* -drive and its kin: what they mean, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drive_options.h"

static struct drive_list list;
static struct error err;

static void refused(const char *argument, const char *because)
{
	err.text[0] = 0;
	assert_int_equal(drive_list_add(&list, argument, &err), -1);
	if (!strstr(err.text, because))
		fail_msg("-drive %s: '%s' says nothing of '%s'", argument, err.text, because);
	assert_null(strchr(err.text, '\n'));
}

static void test_meaning(void **state)
{
	const struct drive_options *drive = list.drive;

	memset(&list, 0, sizeof(list));
	assert_int_equal(drive_list_add_file(&list, "hdb", 1, false, "b,c.img", &err), 0);
	assert_int_equal(drive_list_add_file(&list, "cdrom", 2, true, "cd.iso", &err), 0);
	/* the first free place */
	assert_int_equal(drive_list_add(&list, "file=a,,b.img,format=raw", &err), 0);
	assert_int_equal(drive_list_add(&list,
					"file=d.qcow2,bus=1,unit=1,cache=none,werror=stop,"
					"rerror=ignore,snapshot=on,aio=threads,discard=unmap,"
					"if=ide,media=disk,id=disk",
					&err),
			 0);
	assert_int_equal(drive_list_add(&list, "if=pflash,file=vars.fd,readonly=on", &err), 0);
	assert_int_equal(list.count, 5);

	assert_int_equal(drive[0].index, 1);
	assert_string_equal(drive[0].file, "b,c.img");
	assert_int_equal(drive[0].spec.on_write_error, BLOCK_STOP_FULL);
	assert_int_equal(drive[0].spec.on_read_error, BLOCK_REPORT);
	assert_int_equal(drive[0].spec.cache, BLOCK_WRITEBACK);
	assert_int_equal(drive[0].format[0], 0);
	assert_true(drive[1].is_cdrom);
	assert_true(drive[1].spec.read_only);
	assert_int_equal(drive[2].index, 0);
	assert_string_equal(drive[2].file, "a,b.img");
	assert_string_equal(drive[2].format, "raw");
	assert_int_equal(drive[3].index, 3);
	assert_int_equal(drive[3].spec.cache, BLOCK_NONE);
	assert_int_equal(drive[3].spec.on_write_error, BLOCK_STOP);
	assert_int_equal(drive[3].spec.on_read_error, BLOCK_IGNORE);
	assert_true(drive[3].spec.snapshot);
	assert_true(drive[3].spec.threads);
	assert_true(drive[3].spec.discard);
	assert_int_equal(drive[4].interface, DRIVE_PFLASH);
	assert_int_equal(drive[4].index, 0);
	assert_true(drive[4].spec.read_only);

	/* all four IDE places are taken */
	refused("file=e.img", "only 4 places");
	assert_int_equal(list.count, 5);
}

static void test_refusals(void **state)
{
	memset(&list, 0, sizeof(list));
	assert_int_equal(drive_list_add_file(&list, "hda", 0, false, "a.img", &err), 0);
	refused("file=b.img,index=0", "taken");
	refused("file=b.img,bus=0,unit=0", "taken");
	refused("file=b.img,index=1,unit=1", "either");
	refused("file=b.img,index=9", "index");
	refused("file=b.img,bus=2", "bus");
	refused("file=b.img,if=floppy", "ide, pflash");
	refused("file=b.img,media=tape", "disk, cdrom");
	refused("file=b.img,cache=fast", "writeback");
	refused("file=b.img,werror=panic", "report, ignore, stop, enospc");
	refused("file=b.img,rerror=enospc", "report, ignore, stop");
	refused("file=b.img,readonly=perhaps", "on or off");
	refused("file=b.img,readonly=on", "snapshot=on");
	refused("file=b.img,format=", "format");
	refused("file=b.img,speed=11", "speed");
	refused("index=1", "image is missing");
	refused("file=b.img,=raw", "between commas");
	assert_int_equal(list.count, 1);
	/* a drive without a disc is fine */
	assert_int_equal(drive_list_add(&list, "media=cdrom,readonly=on", &err), 0);
	assert_int_equal(list.drive[1].file[0], 0);
	assert_int_equal(drive_list_add_file(&list, "hdc", 2, false, "", &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
