/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes ACPI machine language, as much of it as hvrun's tables need. Blocks nest:
 * an aml_*_begin() is closed by aml_end(), which fills in the length.
 * ACPI specification, "ACPI Machine Language (AML) Specification".
 */
#ifndef HVRUN_AML_H
#define HVRUN_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_DEPTH 8

/**
 * struct aml - an output buffer
 * @data: buffer
 * @capacity: its size
 * @bytes: used
 * @overflow: something did not fit, or blocks did not match: the output is useless
 */
struct aml {
	uint8_t *data;
	size_t capacity;
	size_t bytes;
	bool overflow;
	size_t block[AML_DEPTH]; /* where the open blocks' lengths belong */
	unsigned int depth;
};

void aml_init(struct aml *aml, void *data, size_t capacity);
void aml_scope_begin(struct aml *aml, const char *path);
void aml_device_begin(struct aml *aml, const char *name);
void aml_package_begin(struct aml *aml, uint8_t elements);

/** aml_resources_begin() - a Buffer with resource descriptors; aml_resources_end() adds the tag */
void aml_resources_begin(struct aml *aml);
void aml_resources_end(struct aml *aml);
void aml_end(struct aml *aml);

/** aml_name() - Name(@name, ...): the value follows */
void aml_name(struct aml *aml, const char *name);
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);

/** aml_eisa_id() - an id like "PNP0501" */
void aml_eisa_id(struct aml *aml, const char *id);

/* Resource descriptors. */
void aml_io(struct aml *aml, uint16_t base, uint8_t ports);
void aml_irq(struct aml *aml, unsigned int irq);

/* Ranges that a bridge passes on: first and last number of each. */
void aml_bus_window(struct aml *aml, uint16_t first, uint16_t last);
void aml_io_window(struct aml *aml, uint16_t first, uint16_t last);
void aml_memory_window(struct aml *aml, uint64_t first, uint64_t last);

#endif /* HVRUN_AML_H */
