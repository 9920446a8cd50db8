// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin of QEMU's TCG: counts how often each instruction is executed between two marks,
 * NOPs that nobody else uses, and writes "ADDRESS COUNT" lines when the emulator ends. One
 * emulated CPU. Debian ships QEMU without qemu-plugin.h: what is used of that interface, in
 * QEMU 9 and 10, is declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*insn_exec_cb)(unsigned int vcpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, insn_exec_cb cb,
					    int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    void (*cb)(qemu_plugin_id_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 4;

/* nopl DISPLACEMENT(%rax) */
#define MARK(d) { 0x0f, 0x1f, 0x80, (d) & 0xff, (d) >> 8 & 0xff, (d) >> 16 & 0xff, (d) >> 24 }

static const uint8_t mark[2][7] = { MARK(BENCH_MARK_BEGIN), MARK(BENCH_MARK_END) };

/* By hash of the address; far more than the instructions of an L1 that runs one bench. */
#define SLOTS_BITS 22
#define SLOTS (1 << SLOTS_BITS)
static struct slot {
	uint64_t address;
	uint64_t count;
} slots[SLOTS];
static bool counting;
static const char *file;

static struct slot *slot_of(uint64_t address)
{
	uint64_t i = address * 0x9e3779b97f4a7c15ULL >> (64 - SLOTS_BITS);

	while (slots[i].address && slots[i].address != address)
		i = (i + 1) % SLOTS;
	slots[i].address = address;
	return &slots[i];
}

static void on_mark(unsigned int vcpu, void *data)
{
	counting = data == mark[0];
}

static void on_insn(unsigned int vcpu, void *data)
{
	if (counting)
		((struct slot *)data)->count++;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint8_t bytes[16];
		size_t n = qemu_plugin_insn_data(insn, bytes, sizeof(bytes));

		for (int m = 0; m < 2; m++)
			if (n == sizeof(mark[m]) && !memcmp(bytes, mark[m], n))
				qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, 0,
								       (void *)mark[m]);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_insn, 0,
						       slot_of(qemu_plugin_insn_vaddr(insn)));
	}
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
	FILE *f = fopen(file, "w");

	for (size_t i = 0; f && i < SLOTS; i++)
		if (slots[i].count)
			fprintf(f, "%" PRIx64 " %" PRIu64 "\n", slots[i].address, slots[i].count);
	if (f)
		fclose(f);
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	file = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
