// SPDX-License-Identifier: GPL-2.0-or-later
/* Processor models and features: see cpu_model.h. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cpu_features_table.h"
#include "cpu_model.h"

#define NAME_BYTES 32
#define KVM_LEAVES 0x40000000U
#define KVM_LEAVES_END 0x40010000U

/* Copies the next word; returns what follows, NULL at the end. */
static const char *next_word(const char *text, const char *separator, char word[NAME_BYTES])
{
	size_t length;

	text += strspn(text, separator);
	length = strcspn(text, separator);
	if (!length)
		return NULL;
	snprintf(word, NAME_BYTES, "%.*s", (int)length, text);
	return text + length;
}

static bool find_feature(const char *name, unsigned int *word, unsigned int *bit)
{
	char candidate[NAME_BYTES];

	for (*word = 0; *word < CPU_FEATURE_WORDS; (*word)++) {
		const char *names = feature_names[*word];

		for (*bit = 0; (names = next_word(names, " ", candidate)); (*bit)++)
			if (strcmp(name, "-") && !strcmp(name, candidate))
				return true;
	}
	return false;
}

static const char *feature_name(unsigned int word, uint32_t mask, char name[NAME_BYTES])
{
	const char *names = feature_names[word];

	for (unsigned int bit = 0; (names = next_word(names, " ", name)); bit++)
		if (mask >> bit & 1)
			break;
	return name;
}

/* All of @text's are in the table. */
static void add_features(uint32_t mask[CPU_FEATURE_WORDS], const char *text)
{
	unsigned int word, bit;
	char name[NAME_BYTES];

	while ((text = next_word(text, " ", name)))
		if (find_feature(name, &word, &bit))
			mask[word] |= 1U << bit;
}

static int choose_model(struct cpu_model *model, const char *name, struct error *err)
{
	if (!strcmp(name, "host") || !strcmp(name, "max"))
		return 0;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (strcmp(models[i].name, name))
			continue;
		model->has_limit = true;
		add_features(model->limit, models[i].features);
		add_features(model->plus, models[i].must);
		return 0;
	}
	return error_set(err,
			 "-cpu '%s': there are host, max, qemu64, x86-64-v2, x86-64-v3 and "
			 "x86-64-v4",
			 name);
}

/* "+f", "-f", "f=on", "f=off", "f". */
static int change_feature(struct cpu_model *model, char *text, struct error *err)
{
	bool on = *text != '-';
	char *name = text + (*text == '+' || *text == '-');
	char *equals = strchr(name, '=');
	unsigned int word, bit;

	if (equals) {
		*equals = 0;
		if (name != text || (strcmp(equals + 1, "on") && strcmp(equals + 1, "off")))
			return error_set(err, "-cpu: %s=%s: write on or off", text, equals + 1);
		on = !strcmp(equals + 1, "on");
	}
	if (!strcmp(name, "kvm")) {
		model->no_kvm = !on;
		return 0;
	}
	if (!find_feature(name, &word, &bit))
		return error_set(err,
				 "-cpu: no feature is called '%s' (names are those of "
				 "/proc/cpuinfo)",
				 name);
	model->plus[word] &= ~(1U << bit);
	model->minus[word] &= ~(1U << bit);
	(on ? model->plus : model->minus)[word] |= 1U << bit;
	model->limit[word] |= 1U << bit;
	return 0;
}

int cpu_model_parse(struct cpu_model *model, const char *text, struct error *err)
{
	char word[NAME_BYTES];
	const char *rest;

	memset(model, 0, sizeof(*model));
	rest = next_word(text, ",", word);
	if (!rest)
		return error_set(err, "-cpu wants the name of a model, for example host");
	if (choose_model(model, word, err) < 0)
		return -1;
	while ((rest = next_word(rest, ",", word)))
		if (change_feature(model, word, err) < 0)
			return -1;
	return 0;
}

/* ---- the table ---- */

static uint32_t *find_register(struct myhv_cpuid_entry *entries, uint32_t count,
			       enum cpu_feature_word word)
{
	static const struct {
		uint32_t function, index;
		size_t offset;
	} place[CPU_FEATURE_WORDS] = {
		[WORD_1_EDX] = { 1, 0, offsetof(struct myhv_cpuid_entry, edx) },
		[WORD_1_ECX] = { 1, 0, offsetof(struct myhv_cpuid_entry, ecx) },
		[WORD_7_EBX] = { 7, 0, offsetof(struct myhv_cpuid_entry, ebx) },
		[WORD_7_ECX] = { 7, 0, offsetof(struct myhv_cpuid_entry, ecx) },
		[WORD_7_EDX] = { 7, 0, offsetof(struct myhv_cpuid_entry, edx) },
		[WORD_7_1_EAX] = { 7, 1, offsetof(struct myhv_cpuid_entry, eax) },
		[WORD_D_1_EAX] = { 0xd, 1, offsetof(struct myhv_cpuid_entry, eax) },
		[WORD_80000001_EDX] = { 0x80000001, 0, offsetof(struct myhv_cpuid_entry, edx) },
		[WORD_80000001_ECX] = { 0x80000001, 0, offsetof(struct myhv_cpuid_entry, ecx) },
	};

	for (uint32_t i = 0; i < count; i++)
		if (entries[i].function == place[word].function &&
		    entries[i].index == place[word].index)
			return (uint32_t *)((uint8_t *)&entries[i] + place[word].offset);
	return NULL;
}

/* Those of AMD's registers repeat Intel's. */
static uint32_t unnamed_bits(unsigned int word)
{
	const char *names = feature_names[word];
	char name[NAME_BYTES];
	uint32_t mask = 0;

	for (unsigned int bit = 0; (names = next_word(names, " ", name)); bit++)
		mask |= (uint32_t)!strcmp(name, "-") << bit;
	return mask;
}

static uint32_t without_kvm(struct myhv_cpuid_entry *entries, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++)
		if (entries[i].function < KVM_LEAVES || entries[i].function >= KVM_LEAVES_END)
			entries[kept++] = entries[i];
	return kept;
}

int cpu_model_apply(const struct cpu_model *model, struct myhv_cpuid_entry *entries,
		    uint32_t *count, struct error *err)
{
	for (unsigned int word = 0; word < CPU_FEATURE_WORDS; word++) {
		uint32_t *reg = find_register(entries, *count, word);
		uint32_t missing = model->plus[word] & ~(reg ? *reg : 0);
		char name[NAME_BYTES];

		if (missing)
			return error_set(err,
					 "-cpu: the host cannot give the feature '%s' to a guest",
					 feature_name(word, missing, name));
		if (!reg)
			continue;
		if (model->has_limit)
			*reg &= model->limit[word] | unnamed_bits(word);
		*reg &= ~model->minus[word];
	}
	if (model->no_kvm)
		*count = without_kvm(entries, *count);
	return 0;
}
