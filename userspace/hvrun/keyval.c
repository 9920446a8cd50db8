// SPDX-License-Identifier: GPL-2.0-or-later
/* Option arguments of keys and values: see keyval.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keyval.h"

/* Copies one part, with ",," as ","; returns what follows its comma, NULL at the end. */
static const char *take_part(const char *from, char *to)
{
	while (*from) {
		if (*from == ',') {
			if (from[1] != ',')
				break;
			from++;
		}
		*to++ = *from++;
	}
	*to = 0;
	return *from ? from + 1 : NULL;
}

static int add_part(struct keyval *keyval, char *part, const char *first_key, struct error *err)
{
	char *equals = strchr(part, '=');
	unsigned int n = keyval->count;

	if (!*part || equals == part)
		return error_set(err, "-%s: a word is missing between commas", keyval->option);
	if (n == KEYVAL_MAX)
		return error_set(err, "-%s has too many parts", keyval->option);
	keyval->count++;
	keyval->pair[n].used = false;
	if (equals) {
		*equals = 0;
		keyval->pair[n].key = part;
		keyval->pair[n].value = equals + 1;
	} else if (n == 0 && first_key) {
		keyval->pair[n].key = first_key;
		keyval->pair[n].value = part;
	} else {
		keyval->pair[n].key = part;
		keyval->pair[n].value = "on";
	}
	return 0;
}

int keyval_parse(struct keyval *keyval, const char *option, const char *first_key,
		 const char *argument, struct error *err)
{
	const char *rest = argument;
	char *to = keyval->text;

	keyval->option = option;
	keyval->count = 0;
	if (strlen(argument) >= sizeof(keyval->text))
		return error_set(err, "-%s: the argument is too long", option);
	while (rest) {
		char *part = to;

		rest = take_part(rest, part);
		to = part + strlen(part) + 1;
		if (add_part(keyval, part, first_key, err) < 0)
			return -1;
	}
	return 0;
}

const char *keyval_get(struct keyval *keyval, const char *key)
{
	const char *value = NULL;

	for (unsigned int i = 0; i < keyval->count; i++) {
		if (strcmp(keyval->pair[i].key, key))
			continue;
		keyval->pair[i].used = true;
		value = keyval->pair[i].value;
	}
	return value;
}

static bool is_one_of(const char *value, const char *a, const char *b, const char *c)
{
	return !strcmp(value, a) || !strcmp(value, b) || !strcmp(value, c);
}

int keyval_get_bool(struct keyval *keyval, const char *key, bool *value, struct error *err)
{
	const char *text = keyval_get(keyval, key);

	if (!text)
		return 0;
	if (is_one_of(text, "on", "yes", "true"))
		*value = true;
	else if (is_one_of(text, "off", "no", "false"))
		*value = false;
	else
		return error_set(err, "-%s: %s=%s: write on or off", keyval->option, key, text);
	return 0;
}

int keyval_get_number(struct keyval *keyval, const char *key, uint64_t most, uint64_t *value,
		      struct error *err)
{
	const char *text = keyval_get(keyval, key);
	unsigned long long n;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end || errno || n > most)
		return error_set(err, "-%s: %s=%s: write a number of at most %llu", keyval->option,
				 key, text, (unsigned long long)most);
	*value = n;
	return 0;
}

int keyval_finish(const struct keyval *keyval, struct error *err)
{
	for (unsigned int i = 0; i < keyval->count; i++)
		if (!keyval->pair[i].used)
			return error_set(err, "-%s: '%s' is not known here (hvrun -help)",
					 keyval->option, keyval->pair[i].key);
	return 0;
}
