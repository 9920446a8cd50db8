/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -cpu: which of the features that the host's CPU and the module can do together a guest gets.
 * A model is a list of features; names are those of /proc/cpuinfo.
 */
#ifndef HVRUN_CPU_MODEL_H
#define HVRUN_CPU_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "myhv_x86.h"

#define CPU_FEATURE_WORDS 9

/**
 * struct cpu_model - what the user wants
 * @has_limit: only the features of @limit; else all there are
 * @limit: a mask for each CPUID register of features
 * @plus: features that must be there
 * @minus: features to hide
 * @no_kvm: do not name KVM's interface: kvm=off
 */
struct cpu_model {
	bool has_limit;
	bool no_kvm;
	uint32_t limit[CPU_FEATURE_WORDS];
	uint32_t plus[CPU_FEATURE_WORDS];
	uint32_t minus[CPU_FEATURE_WORDS];
};

/** cpu_model_parse() - "host", "x86-64-v3,-avx2,+rdrand", "host,kvm=off" */
int cpu_model_parse(struct cpu_model *model, const char *text, struct error *err);

/**
 * cpu_model_apply() - take features out of a CPUID table
 * @entries: what is supported
 * @count: entries; out: the new count
 *
 * Return: 0, or -1 with @err: a feature that the model or +FEATURE wants is not to be had.
 */
int cpu_model_apply(const struct cpu_model *model, struct myhv_cpuid_entry *entries,
		    uint32_t *count, struct error *err);

#endif /* HVRUN_CPU_MODEL_H */
