// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about the machine as a whole. */
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/control.h"

/* ---- questions ---- */

COMMAND(cmd_capabilities)
{
	json_t *enable = json_object_get(args, "enable");

	if (json_array_size(enable))
		return command_fail(err, "Parameter 'enable' names a capability that is not "
					 "offered");
	return command_done();
}

COMMAND(cmd_query_commands)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < command_count; i++)
		if (command_table[i].qmp)
			json_array_append_new(list,
					      json_pack("{s:s}", "name", command_table[i].qmp));
	return list;
}

COMMAND(cmd_query_status)
{
	enum run_state state = run_state_get(control->parts.run);

	return json_pack("{s:b, s:b, s:s}", "running", state == RUN_RUNNING, "singlestep", 0,
			 "status", run_state_name(state));
}

PRINT(print_status)
{
	const char *status = json_string_value(json_object_get(result, "status"));

	if (json_is_true(json_object_get(result, "running")))
		fprintf(to, "VM status: running\n");
	else
		fprintf(to, "VM status: paused (%s)\n", status);
}

COMMAND(cmd_query_version)
{
	return control_version();
}

PRINT(print_version)
{
	fprintf(to, "%s\n", json_string_value(json_object_get(result, "package")));
}

COMMAND(cmd_query_name)
{
	return json_pack("{s:s}", "name", control->parts.name);
}

PRINT(print_name)
{
	fprintf(to, "%s\n", json_string_value(json_object_get(result, "name")));
}

COMMAND(cmd_query_uuid)
{
	const char *uuid = control->parts.uuid;

	return json_pack("{s:s}", "UUID", uuid ? uuid : "00000000-0000-0000-0000-000000000000");
}

PRINT(print_uuid)
{
	fprintf(to, "%s\n", json_string_value(json_object_get(result, "UUID")));
}

/* Programs ask for it to find out whether a CPU runs the guest, or an emulator. */
COMMAND(cmd_query_kvm)
{
	return json_pack("{s:b, s:b}", "enabled", 0, "present", 0);
}

PRINT(print_kvm)
{
	fprintf(to, "kvm support: disabled (this is myhv)\n");
}

COMMAND(cmd_query_cpus_fast)
{
	const struct vcpus *vcpus = control->parts.vcpus;
	json_t *list = json_array();

	for (unsigned int i = 0; i < vcpus->count; i++) {
		char path[48];

		snprintf(path, sizeof(path), "/machine/unattached/device[%u]", i);
		json_array_append_new(list, json_pack("{s:i, s:s, s:i, s:{s:i, s:i, s:i}, s:s}",
						      "cpu-index", i, "qom-path", path, "thread-id",
						      (int)atomic_load(&vcpus->vcpu[i].tid),
						      "props", "socket-id", i, "core-id", 0,
						      "thread-id", 0, "target", "x86_64"));
	}
	return list;
}

PRINT(print_cpus)
{
	size_t i;
	json_t *cpu;

	json_array_foreach((json_t *)result, i, cpu)
		fprintf(to, "  CPU #%zu: thread_id=%d\n", i,
			(int)json_integer_value(json_object_get(cpu, "thread-id")));
}

/* ---- orders ---- */

COMMAND(cmd_stop)
{
	run_state_stop(control->parts.run, RUN_PAUSED);
	return command_done();
}

COMMAND(cmd_cont)
{
	if (run_state_get(control->parts.run) == RUN_SHUTDOWN)
		return command_fail(err, "Resetting the Virtual Machine is required");
	run_state_cont(control->parts.run);
	return command_done();
}

COMMAND(cmd_system_reset)
{
	control->reset_by_user = true;
	power_request(control->parts.power, POWER_RESET, "monitor");
	return command_done();
}

COMMAND(cmd_system_powerdown)
{
	if (control->parts.power_button)
		control->parts.power_button(control->parts.power_button_dev);
	control_event(control, "POWERDOWN", NULL);
	return command_done();
}

COMMAND(cmd_quit)
{
	control->quit_by_user = true;
	power_request(control->parts.power, POWER_QUIT, "monitor");
	return command_done();
}

COMMAND(cmd_inject_nmi)
{
	struct vcpus *vcpus = control->parts.vcpus;

	for (unsigned int i = 0; i < vcpus->count; i++)
		if (myhv_vcpu_interrupt(&vcpus->vcpu[i].hv, MYHV_INTERRUPT_NMI, 0) < 0)
			return command_fail(err, "processor %u takes no NMI", i);
	return command_done();
}

COMMAND(cmd_human_monitor_command)
{
	const char *line = arg_string(args, "command-line", "");
	json_int_t cpu = arg_int(args, "cpu-index", control->cpu);
	unsigned int before = control->cpu;
	json_t *result;
	char *text = NULL;
	size_t bytes;
	FILE *to;

	if (cpu < 0 || (cpu > 0 && cpu >= control->parts.vcpus->count))
		return command_fail(err, "there is no CPU %lld", (long long)cpu);
	to = open_memstream(&text, &bytes);
	if (!to)
		return command_fail(err, "out of memory");
	control->cpu = cpu;
	hmp_execute(control, line, to);
	if (json_object_get(args, "cpu-index"))
		control->cpu = before;
	if (fclose(to) == 0)
		result = json_string(text);
	else
		result = NULL;
	free(text);
	return result ? result : command_fail(err, "its answer cannot be shown");
}
