// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation, reset and destruction of a vCPU, and its run area. A vCPU is published in
 * vm->vcpus last, complete, and stays there until the VM goes; its descriptor merely holds
 * the VM.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <asm/apicdef.h>
#include "cpuid_policy.h"
#include "chip/chip.h"
#include "core/ioctl.h"
#include "core/vcpu.h"
#include "exit/exit.h"
#include "exit/hyperv.h"
#include "host/host.h"
#include "introspect/introspect.h"

static_assert(sizeof(struct myhv_exit) <= PAGE_SIZE);
static_assert(offsetof(struct myhv_vcpu_state, lapic) <= PAGE_SIZE);

/* ---- reset ---- */

static void reset_segment(struct myhv_segment *seg, u16 type)
{
	*seg = (struct myhv_segment){
		.limit = 0xffff,
		.attrib = MYHV_SEG_P | type,
	};
}

/* SDM "Processor State After Reset", table "IA-32 and Intel 64 Processor States". */
static void reset_segments(struct myhv_state_segments *s)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = MYHV_SEG_ES; i <= MYHV_SEG_GS; i++)
		reset_segment(&s->seg[i], MYHV_SEG_S | 0x3);
	s->seg[MYHV_SEG_CS].attrib |= 0x8;
	s->seg[MYHV_SEG_CS].selector = 0xf000;
	s->seg[MYHV_SEG_CS].base = 0xffff0000;
	reset_segment(&s->seg[MYHV_SEG_LDTR], 0x2);
	reset_segment(&s->seg[MYHV_SEG_TR], 0xb);
	s->gdt.limit = 0xffff;
	s->idt.limit = 0xffff;
}

/* Family, model and stepping, which EDX holds after a reset. */
static u32 cpu_signature(struct myhv_vcpu *vcpu)
{
	const struct cpuid_row *row = cpuid_find(vcpu->cpuid, 1, 0);

	return row ? row->regs[CPUID_EAX] : 0x600;
}

/* Registers: the neutral copy is complete and goes to the hardware at the next entry. */
static void reset_registers(struct myhv_vcpu *vcpu, bool init)
{
	struct vcpu_regs *regs = &vcpu->regs;
	u64 cache_bits = X86_CR0_CD | X86_CR0_NW;

	/* INIT leaves the caches as they were */
	if (init)
		cache_bits &= vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.cr0;

	memset(&regs->general, 0, sizeof(regs->general));
	regs->general.gpr[MYHV_RDX] = cpu_signature(vcpu);
	regs->general.rip = 0xfff0;
	regs->general.rflags = X86_EFLAGS_FIXED;

	reset_segments(&regs->segments);

	regs->control.cr0 = X86_CR0_ET | cache_bits;
	regs->control.cr2 = 0;
	regs->control.cr3 = 0;
	regs->control.cr4 = 0;
	regs->control.efer = 0;
	if (!init) {
		regs->control.cr8 = 0;
		regs->control.xcr0 = 1; /* x87, always */
	}

	memset(&regs->debug, 0, sizeof(regs->debug));
	regs->debug.dr6 = 0xffff0ff0;
	regs->debug.dr7 = 0x400;

	regs->valid |= MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL |
		       MYHV_STATE_DEBUG;
	regs->dirty |= MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL |
		       MYHV_STATE_DEBUG;
}

/**
 * vcpu_reset() - as after RESET, or after INIT
 * @vcpu: its thread or vcpu->mutex, outside a burst
 * @init: keep what INIT keeps: caches, FPU, most MSRs, the TSC, IA32_APIC_BASE
 */
void vcpu_reset(struct myhv_vcpu *vcpu, bool init)
{
	reset_registers(vcpu, init);
	msr_reset(vcpu, init);
	memset(&vcpu->event, 0, sizeof(vcpu->event));
	vcpu->msrs.pv_eoi = 0;
	vcpu->pv_eoi_offered = false;
	vcpu->pv_unhalted = false;
	vcpu->complete = NULL;
	vcpu->user_irq_pending = false;
	vcpu->tlb_flush = true;
	host_fpu_reset(vcpu, init);
	backend->vcpu_reset(vcpu, init);
	if (vcpu->lapic)
		lapic_reset(vcpu, init);
	else if (!init)
		vcpu->regs.control.apic_base =
			APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE |
			(vcpu->id == vcpu->vm->bsp_id ? MSR_IA32_APICBASE_BSP : 0);
}

/* ---- the run area ---- */

static void run_area_free(struct myhv_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < VCPU_RUN_PAGES; i++)
		if (vcpu->run_pages[i])
			put_page(vcpu->run_pages[i]);
}

static int run_area_alloc(struct myhv_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < VCPU_RUN_PAGES - 1; i++) {
		vcpu->run_pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!vcpu->run_pages[i])
			return -ENOMEM;
	}
	vcpu->run_pages[i] = vcpu->vm->coalesced.page;
	get_page(vcpu->run_pages[i]);
	vcpu->run_page = page_address(vcpu->run_pages[0]);
	vcpu->exit = page_address(vcpu->run_pages[1]);
	vcpu->state = page_address(vcpu->run_pages[2]);
	vcpu->data = page_address(vcpu->run_pages[3]);
	return 0;
}

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct myhv_vcpu *vcpu = file->private_data;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	return vm_map_pages(vma, vcpu->run_pages, VCPU_RUN_PAGES);
}

/* ---- lifetime ---- */

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct myhv_vcpu *vcpu = file->private_data;

	vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.mmap = vcpu_mmap,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static int vcpu_init(struct myhv_vcpu *vcpu, struct myhv_vm *vm, u32 id)
{
	int ret;

	vcpu->vm = vm;
	vcpu->id = id;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	vcpu->mode = VCPU_OUTSIDE;
	vcpu->user_irqs = vm->irqchip != MYHV_IRQCHIP_FULL;
	vcpu->running_cpu = -1;
	vcpu->last_cpu = -1;
	ret = run_area_alloc(vcpu);
	if (!ret)
		ret = cpuid_vcpu_init(vcpu);
	if (!ret)
		ret = host_fpu_alloc(vcpu);
	if (!ret)
		ret = emulate_vcpu_init(vcpu);
	if (!ret && vm->irqchip != MYHV_IRQCHIP_NONE)
		ret = lapic_create(vcpu);
	if (ret)
		return ret;

	vcpu->mp_state = id == vm->bsp_id || !vcpu->lapic ? MYHV_MP_RUNNABLE :
							    MYHV_MP_UNINITIALIZED;
	vcpu_reset(vcpu, false);
	guest_tsc_init(vcpu);
	msr_filter_update(vcpu);
	return 0;
}

/**
 * vcpu_destroy() - free a vCPU, whole or half made
 * @vcpu: nobody knows it any more
 */
void vcpu_destroy(struct myhv_vcpu *vcpu)
{
	if (vcpu->lapic)
		lapic_destroy(vcpu);
	vcpu->lapic = NULL;
	synic_destroy(vcpu);
	emulate_vcpu_free(vcpu);
	host_fpu_free(vcpu);
	cpuid_vcpu_free(vcpu);
	slat_cache_free(&vcpu->slat_cache);
	kvfree(vcpu->state_copy);
	kvfree(vcpu->dirty.pages);
	run_area_free(vcpu);
	backend->vcpu_free(vcpu);
}

static struct myhv_vcpu *vcpu_make(struct myhv_vm *vm, u32 id)
{
	struct myhv_vcpu *vcpu;
	int ret;

	if (xa_load(&vm->vcpus, id))
		return ERR_PTR(-EEXIST);
	if (vm->nr_vcpus >= MYHV_MAX_VCPUS)
		return ERR_PTR(-E2BIG);
	vcpu = backend->vcpu_alloc(vm);
	if (IS_ERR_OR_NULL(vcpu))
		return vcpu ? vcpu : ERR_PTR(-ENOMEM);
	ret = vcpu_init(vcpu, vm, id);
	if (ret) {
		vcpu_destroy(vcpu);
		return ERR_PTR(ret);
	}
	return vcpu;
}

/**
 * vcpu_create() - MYHV_VCPU_CREATE
 * @vm: the VM
 * @id: checked
 *
 * Return: a descriptor, or a negative errno.
 */
int vcpu_create(struct myhv_vm *vm, u32 id)
{
	struct myhv_vcpu *vcpu;
	struct file *file;
	int fd, ret;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	mutex_lock(&vm->lock);
	ret = xa_reserve(&vm->vcpus, id, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto put_fd;
	vcpu = vcpu_make(vm, id);
	if (IS_ERR(vcpu)) {
		ret = PTR_ERR(vcpu);
		goto release_id;
	}
	ret = introspect_vcpu_add(vcpu);
	if (ret)
		goto destroy_vcpu;
	file = anon_inode_getfile("myhv-vcpu", &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto remove_introspect;
	}
	vm_get(vm); /* the file's */
	/* from here on interrupts find it; the place is reserved, so this cannot fail */
	xa_store(&vm->vcpus, id, vcpu, GFP_KERNEL_ACCOUNT);
	WRITE_ONCE(vm->nr_vcpus, vm->nr_vcpus + 1);
	mutex_unlock(&vm->lock);
	fd_install(fd, file);
	return fd;

remove_introspect:
	introspect_vcpu_remove(vcpu);
destroy_vcpu:
	vcpu_destroy(vcpu);
release_id:
	xa_release(&vm->vcpus, id);
put_fd:
	mutex_unlock(&vm->lock);
	put_unused_fd(fd);
	return ret;
}
