// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i8042 keyboard controller: see i8042.h. One mutex, for the two devices as well.
 *
 * There is one output buffer: a byte waits in it until the guest has read it, the rest waits
 * in the devices' queues, as on the wires of a real one.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "dev/i8042.h"
#include "dev/ps2.h"

#define PORT_DATA 0
#define PORT_COMMAND 4

#define STATUS_OUTPUT_FULL 0x01
#define STATUS_SYSTEM 0x04
#define STATUS_COMMAND 0x08
#define STATUS_UNLOCKED 0x10
#define STATUS_AUX_OUTPUT 0x20

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
#define CMD_FAKE_KBD 0xd2 /* the data byte comes back as if from the keyboard */
#define CMD_FAKE_AUX 0xd3
#define CMD_WRITE_AUX 0xd4
#define CMD_A20_OFF 0xdd
#define CMD_A20_ON 0xdf
#define CMD_PULSE 0xf0 /* .. 0xff: pulse the output bits that are 0 */

#define CTR_KBD_INT 0x01
#define CTR_AUX_INT 0x02
#define CTR_SYSTEM 0x04
#define CTR_KBD_OFF 0x10
#define CTR_AUX_OFF 0x20
#define CTR_TRANSLATE 0x40

#define INPUT_UNLOCKED 0x80
#define OUTPUT_NOT_RESET 0x01
#define OUTPUT_A20 0x02

#define SELF_TEST_OK 0x55
#define PORT_TEST_OK 0x00
#define SCAN_UP 0xf0
#define LONGEST_KEY 8 /* bytes of one key event, at most */

/* Who a byte in the output buffer is from. */
enum source { FROM_KEYBOARD, FROM_MOUSE };

struct i8042 {
	struct region region;
	struct input_sink input;
	struct irq_line *keyboard_irq;
	struct irq_line *mouse_irq;
	struct power *power;

	pthread_mutex_t lock; /* everything below */
	struct ps2_keyboard keyboard;
	struct ps2_mouse mouse;
	struct ps2_queue replies;     /* the controller's own, as from the keyboard */
	struct ps2_queue aux_replies; /* and as from the mouse: they come with its line off, too */
	uint8_t ram[32];
	uint8_t output_port;
	uint8_t command; /* waits for its data byte; 0: none */
	uint8_t output;
	enum source source;
	bool output_full;
	bool last_was_command;
	bool up; /* translation: the next code is of a key that goes up */
};

/* ---- output ---- */

static void update_irqs(struct i8042 *kbc)
{
	bool keyboard = kbc->output_full && kbc->source == FROM_KEYBOARD;
	bool mouse = kbc->output_full && kbc->source == FROM_MOUSE;

	irq_line_set(kbc->keyboard_irq, keyboard && (kbc->ram[0] & CTR_KBD_INT));
	irq_line_set(kbc->mouse_irq, mouse && (kbc->ram[0] & CTR_AUX_INT));
}

static void fill_output(struct i8042 *kbc, uint8_t byte, enum source source)
{
	kbc->output = byte;
	kbc->source = source;
	kbc->output_full = true;
}

/* A prefix byte is swallowed: it becomes a bit of the next one. */
static void take_key_byte(struct i8042 *kbc)
{
	uint8_t byte = ps2_queue_take(&kbc->keyboard.queue);

	if (!(kbc->ram[0] & CTR_TRANSLATE)) {
		fill_output(kbc, byte, FROM_KEYBOARD);
	} else if (byte == SCAN_UP) {
		kbc->up = true;
	} else {
		fill_output(kbc, ps2_translate(byte) | (kbc->up ? 0x80 : 0), FROM_KEYBOARD);
		kbc->up = false;
	}
}

/* Let the next byte into the output buffer, if it is empty. */
static void refill(struct i8042 *kbc)
{
	ps2_mouse_report(&kbc->mouse);
	while (!kbc->output_full) {
		if (kbc->replies.count)
			fill_output(kbc, ps2_queue_take(&kbc->replies), FROM_KEYBOARD);
		else if (kbc->aux_replies.count)
			fill_output(kbc, ps2_queue_take(&kbc->aux_replies), FROM_MOUSE);
		else if (kbc->keyboard.queue.count && !(kbc->ram[0] & CTR_KBD_OFF))
			take_key_byte(kbc);
		else if (kbc->mouse.queue.count && !(kbc->ram[0] & CTR_AUX_OFF))
			fill_output(kbc, ps2_queue_take(&kbc->mouse.queue), FROM_MOUSE);
		else
			break;
	}
	update_irqs(kbc);
}

static void reply(struct i8042 *kbc, uint8_t value)
{
	ps2_queue_put(&kbc->replies, value);
}

/* ---- the guest's side ---- */

static void write_output_port(struct i8042 *kbc, uint8_t value)
{
	kbc->output_port = value;
	if (!(value & OUTPUT_NOT_RESET))
		power_request(kbc->power, POWER_RESET, "keyboard controller");
}

static void simple_command(struct i8042 *kbc, uint8_t command)
{
	switch (command) {
	case CMD_SELF_TEST:
		kbc->ram[0] |= CTR_SYSTEM;
		reply(kbc, SELF_TEST_OK);
		break;
	case CMD_KBD_TEST:
	case CMD_AUX_TEST:
		reply(kbc, PORT_TEST_OK);
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
		reply(kbc, INPUT_UNLOCKED);
		break;
	case CMD_READ_OUTPUT:
		reply(kbc, kbc->output_port);
		break;
	case CMD_A20_OFF:
		kbc->output_port &= ~OUTPUT_A20;
		break;
	case CMD_A20_ON:
		kbc->output_port |= OUTPUT_A20;
		break;
	case CMD_WRITE_OUTPUT:
	case CMD_FAKE_KBD:
	case CMD_FAKE_AUX:
	case CMD_WRITE_AUX:
		kbc->command = command;
		break;
	default:
		break;
	}
}

static void write_command(struct i8042 *kbc, uint8_t command)
{
	kbc->command = 0;
	kbc->last_was_command = true;

	if (command >= CMD_PULSE) {
		if (!(command & OUTPUT_NOT_RESET))
			power_request(kbc->power, POWER_RESET, "keyboard controller");
	} else if (command >= CMD_READ_RAM && command < CMD_READ_RAM + 32) {
		reply(kbc, kbc->ram[command - CMD_READ_RAM]);
	} else if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + 32) {
		kbc->command = command;
	} else {
		simple_command(kbc, command);
	}
}

static void write_data(struct i8042 *kbc, uint8_t value)
{
	uint8_t command = kbc->command;

	kbc->command = 0;
	kbc->last_was_command = false;

	if (command >= CMD_WRITE_RAM && command < CMD_WRITE_RAM + 32) {
		kbc->ram[command - CMD_WRITE_RAM] = value;
		return;
	}
	switch (command) {
	case CMD_WRITE_OUTPUT:
		write_output_port(kbc, value);
		break;
	case CMD_FAKE_KBD:
		reply(kbc, value);
		break;
	case CMD_FAKE_AUX:
		ps2_queue_put(&kbc->aux_replies, value);
		break;
	case CMD_WRITE_AUX:
		/* sending opens the line */
		kbc->ram[0] &= ~CTR_AUX_OFF;
		ps2_mouse_write(&kbc->mouse, value);
		break;
	default:
		kbc->ram[0] &= ~CTR_KBD_OFF;
		ps2_keyboard_write(&kbc->keyboard, value);
		break;
	}
}

static uint8_t read_status(const struct i8042 *kbc)
{
	uint8_t status = STATUS_UNLOCKED | (kbc->ram[0] & CTR_SYSTEM);

	if (kbc->output_full)
		status |= STATUS_OUTPUT_FULL;
	if (kbc->output_full && kbc->source == FROM_MOUSE)
		status |= STATUS_AUX_OUTPUT;
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
		/* the line goes low in between: each byte is an edge */
		kbc->output_full = false;
		update_irqs(kbc);
		refill(kbc);
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
	refill(kbc);
	pthread_mutex_unlock(&kbc->lock);
}

/* ---- the user's side ---- */

static void input_key(void *dev, unsigned int code, bool down)
{
	struct i8042 *kbc = dev;

	pthread_mutex_lock(&kbc->lock);
	ps2_keyboard_key(&kbc->keyboard, code, down);
	refill(kbc);
	pthread_mutex_unlock(&kbc->lock);
}

static void input_mouse(void *dev, int dx, int dy, int dz, unsigned int buttons)
{
	struct i8042 *kbc = dev;

	pthread_mutex_lock(&kbc->lock);
	ps2_mouse_move(&kbc->mouse, dx, dy, dz, buttons);
	refill(kbc);
	pthread_mutex_unlock(&kbc->lock);
}

static unsigned int input_leds(void *dev)
{
	struct i8042 *kbc = dev;
	unsigned int leds;

	pthread_mutex_lock(&kbc->lock);
	leds = kbc->keyboard.leds;
	pthread_mutex_unlock(&kbc->lock);
	return leds;
}

static unsigned int input_room(void *dev)
{
	struct i8042 *kbc = dev;
	unsigned int room;

	pthread_mutex_lock(&kbc->lock);
	room = ps2_queue_room(&kbc->keyboard.queue) / LONGEST_KEY;
	pthread_mutex_unlock(&kbc->lock);
	return room;
}

/* ---- life ---- */

static void set_defaults(struct i8042 *kbc)
{
	ps2_keyboard_reset(&kbc->keyboard);
	ps2_mouse_reset(&kbc->mouse);
	ps2_queue_clear(&kbc->replies);
	ps2_queue_clear(&kbc->aux_replies);
	kbc->ram[0] = CTR_KBD_INT | CTR_AUX_INT | CTR_SYSTEM;
	kbc->output_port = OUTPUT_NOT_RESET | OUTPUT_A20;
	kbc->command = 0;
	kbc->output_full = false;
	kbc->last_was_command = false;
	kbc->up = false;
	update_irqs(kbc);
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

const struct input_sink *i8042_input(struct i8042 *kbc)
{
	return &kbc->input;
}

struct i8042 *i8042_create(struct irq_line *keyboard_irq, struct irq_line *mouse_irq,
			   struct power *power)
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
	kbc->input = (struct input_sink){
		.key = input_key,
		.mouse = input_mouse,
		.leds = input_leds,
		.room = input_room,
		.dev = kbc,
	};
	kbc->keyboard_irq = keyboard_irq;
	kbc->mouse_irq = mouse_irq;
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
