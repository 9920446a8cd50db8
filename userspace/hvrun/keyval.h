/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option arguments of the form "first,key=value,key": as QEMU reads them. Two commas
 * stand for one that belongs to the value.
 */
#ifndef HVRUN_KEYVAL_H
#define HVRUN_KEYVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

#define KEYVAL_MAX 24
#define KEYVAL_BYTES 4352 /* a path and a few words */

/**
 * struct keyval - a taken-apart argument
 * @option: the option's name, for messages
 * @count: pairs
 * @pair: in the order of the argument; strings lie in @text
 */
struct keyval {
	const char *option;
	unsigned int count;
	struct {
		const char *key;
		const char *value;
		bool used;
	} pair[KEYVAL_MAX];
	char text[KEYVAL_BYTES];
};

/**
 * keyval_parse() - take @argument apart
 * @option: name of the option, without the dash
 * @first_key: key of a first part without '=' ("file" of "-cdrom x"), or NULL: none such.
 *	Other parts without '=' mean "on".
 */
int keyval_parse(struct keyval *keyval, const char *option, const char *first_key,
		 const char *argument, struct error *err);

/** keyval_get() - the last value of @key, or NULL; the key counts as known */
const char *keyval_get(struct keyval *keyval, const char *key);

/** keyval_get_bool() - on/off, yes/no, true/false; @value stays when @key is missing */
int keyval_get_bool(struct keyval *keyval, const char *key, bool *value, struct error *err);

/** keyval_get_number() - decimal or 0x..., at most @most; @value stays when @key is missing */
int keyval_get_number(struct keyval *keyval, const char *key, uint64_t most, uint64_t *value,
		      struct error *err);

/** keyval_finish() - refuse the argument if it had a key that nobody asked for */
int keyval_finish(const struct keyval *keyval, struct error *err);

#endif /* HVRUN_KEYVAL_H */
