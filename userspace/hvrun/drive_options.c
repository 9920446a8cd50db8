// SPDX-License-Identifier: GPL-2.0-or-later
/* The arguments of -drive: see drive_options.h. */
#include <stdio.h>
#include <string.h>

#include "drive_options.h"
#include "keyval.h"

#define NO_INDEX UINT64_MAX

struct word {
	const char *word;
	int value;
};

static const struct word interfaces[] = { { "ide", DRIVE_IDE }, { "pflash", DRIVE_PFLASH }, {} };

static const struct word medias[] = { { "disk", false }, { "cdrom", true }, {} };

static const struct word caches[] = {
	{ "writeback", BLOCK_WRITEBACK },
	{ "writethrough", BLOCK_WRITETHROUGH },
	{ "none", BLOCK_NONE },
	{ "off", BLOCK_NONE },
	{ "directsync", BLOCK_DIRECTSYNC },
	{ "unsafe", BLOCK_UNSAFE },
	{},
};

static const struct word write_errors[] = {
	{ "report", BLOCK_REPORT }, { "ignore", BLOCK_IGNORE },	    { "stop", BLOCK_STOP },
	{ "enospc", BLOCK_STOP_FULL }, {},
};

static const struct word read_errors[] = {
	{ "report", BLOCK_REPORT }, { "ignore", BLOCK_IGNORE }, { "stop", BLOCK_STOP }, {},
};

static const struct word engines[] = { { "io_uring", false }, { "threads", true }, {} };

static const struct word discards[] = {
	{ "ignore", false }, { "off", false }, { "unmap", true }, { "on", true }, {},
};

/* @value stays when @key is missing. */
static int get_word(struct keyval *words, const char *key, const struct word *known, int *value,
		    struct error *err)
{
	const char *text = keyval_get(words, key);
	char list[80] = "";

	if (!text)
		return 0;
	for (const struct word *at = known; at->word; at++) {
		if (!strcmp(text, at->word)) {
			*value = at->value;
			return 0;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			 *list ? ", " : "", at->word);
	}
	return error_set(err, "-%s: %s=%s is not known; there is %s", words->option, key, text,
			 list);
}

/* A place by index=, or bus= and unit=. */
static int get_place(struct keyval *words, uint64_t *index, struct error *err)
{
	uint64_t bus = NO_INDEX, unit = NO_INDEX;

	*index = NO_INDEX;
	if (keyval_get_number(words, "index", DRIVES_MAX - 1, index, err) < 0 ||
	    keyval_get_number(words, "bus", 1, &bus, err) < 0 ||
	    keyval_get_number(words, "unit", 1, &unit, err) < 0)
		return -1;
	if (*index != NO_INDEX && (bus != NO_INDEX || unit != NO_INDEX))
		return error_set(err, "-%s: give either index= or bus= and unit=", words->option);
	if (bus != NO_INDEX || unit != NO_INDEX)
		*index = (bus == NO_INDEX ? 0 : bus) * 2 + (unit == NO_INDEX ? 0 : unit);
	return 0;
}

static bool is_taken(const struct drive_list *list, enum drive_interface interface,
		     unsigned int index)
{
	for (unsigned int i = 0; i < list->count; i++)
		if (list->drive[i].interface == interface && list->drive[i].index == index)
			return true;
	return false;
}

static int set_place(struct drive_list *list, struct drive_options *drive, uint64_t index,
		     const char *option, struct error *err)
{
	unsigned int places = drive->interface == DRIVE_IDE ? IDE_DRIVES : 2;

	if (index == NO_INDEX)
		for (index = 0; index < places && is_taken(list, drive->interface, index); index++)
			;
	if (index >= places)
		return error_set(err, "-%s: there are only %u places for such drives", option,
				 places);
	if (is_taken(list, drive->interface, index))
		return error_set(err,
				 "-%s: place %u (bus=%u,unit=%u) is taken by another drive; give "
				 "another index=",
				 option, (unsigned int)index, (unsigned int)index / 2,
				 (unsigned int)index % 2);
	drive->index = index;
	return 0;
}

static struct drive_options *new_drive(struct drive_list *list, const char *option,
				       struct error *err)
{
	struct drive_options *drive = &list->drive[list->count];

	if (list->count == DRIVES_MAX) {
		error_set(err, "-%s: %d drives are the most", option, DRIVES_MAX);
		return NULL;
	}
	memset(drive, 0, sizeof(*drive));
	drive->spec.on_write_error = BLOCK_STOP_FULL;
	drive->spec.on_read_error = BLOCK_REPORT;
	return drive;
}

static int set_file(struct drive_options *drive, const char *option, const char *file,
		    struct error *err)
{
	if (!*file && !drive->is_cdrom)
		return error_set(err, "-%s: the name of an image is missing (file=...)", option);
	if (strlen(file) >= sizeof(drive->file))
		return error_set(err, "-%s: the name of the image is too long", option);
	snprintf(drive->file, sizeof(drive->file), "%s", file);
	return 0;
}

static int set_read_only(struct drive_options *drive, bool read_only, struct error *err)
{
	if (drive->interface == DRIVE_IDE && !drive->is_cdrom && read_only)
		return error_set(err, "-drive: an IDE disk cannot be read-only; with snapshot=on "
				      "the image stays as it is, and media=cdrom is read-only");
	drive->spec.read_only = read_only || drive->is_cdrom;
	return 0;
}

static int set_format(struct drive_options *drive, const char *format, struct error *err)
{
	if (!format)
		return 0;
	if (!*format || strlen(format) >= sizeof(drive->format) || strchr(format, ','))
		return error_set(err, "-drive: format=%.32s is not known; raw and qcow2 are",
				 format);
	snprintf(drive->format, sizeof(drive->format), "%s", format);
	return 0;
}

static int read_words(struct drive_options *drive, struct keyval *words, struct error *err)
{
	int interface = DRIVE_IDE, is_cdrom = false, cache = BLOCK_WRITEBACK;
	int on_write = drive->spec.on_write_error, on_read = drive->spec.on_read_error;
	int threads = false, discard = false;
	const char *file;
	bool read_only = false;

	if (get_word(words, "if", interfaces, &interface, err) < 0 ||
	    get_word(words, "media", medias, &is_cdrom, err) < 0 ||
	    get_word(words, "cache", caches, &cache, err) < 0 ||
	    get_word(words, "werror", write_errors, &on_write, err) < 0 ||
	    get_word(words, "rerror", read_errors, &on_read, err) < 0 ||
	    get_word(words, "aio", engines, &threads, err) < 0 ||
	    get_word(words, "discard", discards, &discard, err) < 0 ||
	    keyval_get_bool(words, "readonly", &read_only, err) < 0 ||
	    keyval_get_bool(words, "read-only", &read_only, err) < 0 ||
	    keyval_get_bool(words, "snapshot", &drive->spec.snapshot, err) < 0 ||
	    set_format(drive, keyval_get(words, "format"), err) < 0)
		return -1;

	drive->interface = interface;
	drive->is_cdrom = is_cdrom;
	drive->spec.cache = cache;
	drive->spec.on_write_error = on_write;
	drive->spec.on_read_error = on_read;
	drive->spec.threads = threads;
	drive->spec.discard = discard;
	file = keyval_get(words, "file");
	if (set_file(drive, "drive", file ? file : "", err) < 0)
		return -1;
	return set_read_only(drive, read_only, err);
}

int drive_list_add(struct drive_list *list, const char *argument, struct error *err)
{
	struct drive_options *drive = new_drive(list, "drive", err);
	struct keyval words;
	uint64_t index;

	if (!drive || keyval_parse(&words, "drive", NULL, argument, err) < 0 ||
	    read_words(drive, &words, err) < 0 || get_place(&words, &index, err) < 0)
		return -1;
	/* a name for the monitor, in QEMU; here drives are called by their places */
	keyval_get(&words, "id");
	if (keyval_finish(&words, err) < 0 || set_place(list, drive, index, "drive", err) < 0)
		return -1;
	list->count++;
	return 0;
}

int drive_list_add_file(struct drive_list *list, const char *option, unsigned int index,
			bool is_cdrom, const char *file, struct error *err)
{
	struct drive_options *drive = new_drive(list, option, err);

	if (!drive)
		return -1;
	drive->interface = DRIVE_IDE;
	drive->is_cdrom = is_cdrom;
	drive->spec.read_only = is_cdrom;
	if (set_file(drive, option, file, err) < 0 ||
	    set_place(list, drive, index, option, err) < 0)
		return -1;
	list->count++;
	return 0;
}
