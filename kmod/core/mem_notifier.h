/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Following the host's memory: one MMU notifier per process, shared by its VMs.
 */
#ifndef MYHV_CORE_MEM_NOTIFIER_H
#define MYHV_CORE_MEM_NOTIFIER_H

#include <linux/types.h>

struct myhv_vm;
struct mem_notifier;

/* current->mm is the VM's. */
int mem_notifier_attach(struct myhv_vm *vm);
/* After return no callback uses @vm. Sleeps. */
void mem_notifier_detach(struct myhv_vm *vm);
/* Module exit: nothing of ours is called any more after it. */
void mem_notifier_exit(void);

/*
 * A fault notes the sequence before it asks the host for the page, and asks again, under
 * vm->slat.lock, before it maps it.
 */
unsigned long mem_notifier_seq(struct mem_notifier *mn);
bool mem_notifier_must_retry(struct mem_notifier *mn, unsigned long seq, unsigned long hva);

#endif /* MYHV_CORE_MEM_NOTIFIER_H */
