// SPDX-License-Identifier: GPL-2.0-or-later
/* i8042 keyboard controller without a keyboard: see i8042.h. One mutex. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "dev/i8042.h"

#define PORT_DATA 0
#define PORT_COMMAND 4

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM 0x04
#define STATUS_COMMAND 0x08
#define STATUS_UNLOCKED 0x10

#define CMD_READ_RAM 0x20  /* .. 0x3f; byte 0 is the command byte */
#define CMD_WRITE_RAM 0x60 /* .. 0x7f */
#define CMD_AUX_OFF 0xa7
#define CMD_AUX_ON 0xa8
#define CMD_AUX_TEST 0xa9
#define CMD_SELF_TEST 0xaa
#define CMD_KBD_TEST 0xab
#define CMD_KBD_OFF 0xad
#define CMD_KBD_ON 0xae
#define CMD_READ_INPUT 0xc0
#define CMD_READ_OUTPUT 0xd0
#define CMD_WRITE_OUTPUT 0xd1
#define CMD_PULSE 0xf0 /* .. 0xff: pulse the output bits that are 0 */

#define CTR_KBD_OFF 0x10
#define CTR_AUX_OFF 0x20

#define OUTPUT_NOT_RESET 0x01
#define OUTPUT_A20 0x02

#define SELF_TEST_OK 0x55
#define PORT_TEST_OK 0x00
#define PORT_TEST_DEAD 0x01 /* clock line stuck low: nothing is plugged in */

struct i8042 {
	struct region region;
	struct power *power;

	pthread_mutex_t lock; /* everything below */
	uint8_t ram[32];
	uint8_t output_port;
	uint8_t command; /* waits for its data byte; 0: none */
	uint8_t output;
	bool output_full;
	bool last_was_command;
};

static void reply(struct i8042 *kbc, uint8_t value)
{
	kbc->output = value;
	kbc->output_full = true;
}

static void pull_reset(struct i8042 *kbc)
{
	power_request(kbc->power, POWER_RESET, "keyboard controller");
}

static void write_command(struct i8042 *kbc, uint8_t command)
{
	kbc->command = 0;
	kbc->last_was_command = true;

	if (command >= CMD_PULSE) {
		if (!(command & OUTPUT_NOT_RESET))
			pull_reset(kbc);
		return;
	}
	if (command >= CMD_READ_RAM && command < CMD_READ_RAM + 32) {
		reply(kbc, kbc->ram[command - CMD_READ_RAM]);
		return;
	}
	if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + 32) {
		kbc->command = command;
		return;
	}

	switch (command) {
	case CMD_SELF_TEST:
		reply(kbc, SELF_TEST_OK);
		break;
	case CMD_KBD_TEST:
		reply(kbc, PORT_TEST_OK);
		break;
	case CMD_AUX_TEST:
		reply(kbc, PORT_TEST_DEAD);
		break;
	case CMD_KBD_OFF:
		kbc->ram[0] |= CTR_KBD_OFF;
		break;
	case CMD_KBD_ON:
		kbc->ram[0] &= ~CTR_KBD_OFF;
		break;
	case CMD_AUX_OFF:
		kbc->ram[0] |= CTR_AUX_OFF;
		break;
	case CMD_AUX_ON:
		kbc->ram[0] &= ~CTR_AUX_OFF;
		break;
	case CMD_READ_INPUT:
		reply(kbc, 0);
		break;
	case CMD_READ_OUTPUT:
		reply(kbc, kbc->output_port);
		break;
	case CMD_WRITE_OUTPUT:
		kbc->command = command;
		break;
	default:
		break;
	}
}

static void write_data(struct i8042 *kbc, uint8_t value)
{
	uint8_t command = kbc->command;

	kbc->command = 0;
	kbc->last_was_command = false;

	if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + 32) {
		kbc->ram[command - CMD_WRITE_RAM] = value;
	} else if (command == CMD_WRITE_OUTPUT) {
		kbc->output_port = value;
		if (!(value & OUTPUT_NOT_RESET))
			pull_reset(kbc);
	}
	/* anything else is for a keyboard that is not there */
}

static uint8_t read_status(const struct i8042 *kbc)
{
	uint8_t status = STATUS_SYSTEM | STATUS_UNLOCKED;

	if (kbc->output_full)
		status |= STATUS_OUTPUT_FULL;
	if (kbc->last_was_command)
		status |= STATUS_COMMAND;
	return status;
}

static uint64_t i8042_read(void *dev, uint64_t offset, unsigned int size)
{
	struct i8042 *kbc = dev;
	uint8_t value = 0xff;

	pthread_mutex_lock(&kbc->lock);
	if (offset == PORT_COMMAND) {
		value = read_status(kbc);
	} else if (offset == PORT_DATA) {
		value = kbc->output;
		kbc->output_full = false;
	}
	pthread_mutex_unlock(&kbc->lock);
	return value;
}

static void i8042_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct i8042 *kbc = dev;

	pthread_mutex_lock(&kbc->lock);
	if (offset == PORT_COMMAND)
		write_command(kbc, value);
	else if (offset == PORT_DATA)
		write_data(kbc, value);
	pthread_mutex_unlock(&kbc->lock);
}

static void set_defaults(struct i8042 *kbc)
{
	kbc->ram[0] = CTR_AUX_OFF | STATUS_SYSTEM;
	kbc->output_port = OUTPUT_NOT_RESET | OUTPUT_A20;
	kbc->command = 0;
	kbc->output_full = false;
	kbc->last_was_command = false;
}

void i8042_reset(struct i8042 *kbc)
{
	pthread_mutex_lock(&kbc->lock);
	set_defaults(kbc);
	pthread_mutex_unlock(&kbc->lock);
}

struct region *i8042_region(struct i8042 *kbc)
{
	return &kbc->region;
}

struct i8042 *i8042_create(struct power *power)
{
	struct i8042 *kbc = calloc(1, sizeof(*kbc));

	if (!kbc)
		return NULL;
	kbc->region = (struct region){
		.name = "i8042",
		.read = i8042_read,
		.write = i8042_write,
		.dev = kbc,
		.max_access = 1,
	};
	kbc->power = power;
	pthread_mutex_init(&kbc->lock, NULL);
	set_defaults(kbc);
	return kbc;
}

void i8042_destroy(struct i8042 *kbc)
{
	if (!kbc)
		return;
	pthread_mutex_destroy(&kbc->lock);
	free(kbc);
}
