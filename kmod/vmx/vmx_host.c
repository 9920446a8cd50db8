// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation on a CPU, which VMCS is active where, and the host's own state around a burst.
 *
 * The kernel writes CR4 from a copy of its own, also from interrupts; a write without
 * VMXE inside VMX operation is a fault in the kernel. Where modules can have VMXE put into
 * that copy (compat/cr4.h) VMX is on from the first VM to the last, and VMCSes stay active on
 * their CPU. Where they cannot, VMX is on only with IRQs off, around each entry or look at
 * the VMCS ("window"), which costs per entry: two writes of CR4, VMXON, VMPTRLD, VMCLEAR and
 * VMXOFF, and VMLAUNCH in place of VMRESUME. vmx_window=1 asks for it everywhere.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include "compat/compat.h"
#include "compat/cr4.h"
#include "host/host.h"
#include "host/host_cpu.h"
#include "vmx/vmx.h"

static bool vmx_window = !HOST_CR4_SHADOW;
module_param(vmx_window, bool, 0444);
MODULE_PARM_DESC(vmx_window, "VT-x: switch VMX on around each guest entry only");

DEFINE_PER_CPU(struct vmx_cpu, vmx_cpu);

/* ---- instructions ---- */

static int vmxon(u64 pa)
{
	asm goto("1: vmxon %0\n\t"
		 "jna %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : "m"(pa) : "memory", "cc" : failed);
	return 0;
failed:
	return -EIO;
}

static void vmxoff(void)
{
	asm volatile("vmxoff" : : : "memory", "cc");
}

static void vmptrld(u64 pa)
{
	asm volatile("vmptrld %0" : : "m"(pa) : "memory", "cc");
}

static void vmclear(u64 pa)
{
	asm volatile("vmclear %0" : : "m"(pa) : "memory", "cc");
}

/* ---- operation ---- */

static void write_cr4(u64 cr4)
{
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

static int window_begin(struct vmx_cpu *c)
{
	u64 cr4 = native_read_cr4();

	if (cr4 & X86_CR4_VMXE)
		return -EBUSY; /* by KVM, say: we never leave it set */
	write_cr4(cr4 | X86_CR4_VMXE);
	if (!vmxon(page_to_phys(c->vmxon)))
		return 0;
	write_cr4(cr4);
	return -EIO;
}

static void window_end(void)
{
	vmxoff();
	write_cr4(native_read_cr4() & ~(u64)X86_CR4_VMXE);
}

/* Nothing of what is read here changes while the CPU is up. */
static void read_host_constants(struct vmx_cpu *c)
{
	rdmsrq(MSR_EFER, c->efer);
	rdmsrq(MSR_STAR, c->star);
	rdmsrq(MSR_LSTAR, c->lstar);
	rdmsrq(MSR_CSTAR, c->cstar);
	rdmsrq(MSR_SYSCALL_MASK, c->syscall_mask);
	rdmsrq(MSR_IA32_SYSENTER_CS, c->sysenter_cs);
	rdmsrq(MSR_IA32_SYSENTER_ESP, c->sysenter_esp);
	rdmsrq(MSR_IA32_SYSENTER_EIP, c->sysenter_eip);
	rdmsrq(MSR_GS_BASE, c->gs_base);
	host_tsc_aux_read();
}

int vmx_cpu_enable(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);
	int ret;

	lockdep_assert_irqs_disabled();
	read_host_constants(c);
	ret = window_begin(c);
	if (ret)
		return ret;
	if (vmx_global.window)
		window_end();
	else
		host_cr4_vmxe(true);
	c->current_vcpu = NULL;
	c->enabled = true;
	return 0;
}

static void clear_here(struct vmx_vcpu *vmx)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);

	lockdep_assert_irqs_disabled();
	if (vmx->cpu != smp_processor_id())
		return; /* cleared meanwhile */
	vmclear(vmx->vmcs_pa);
	if (c->current_vcpu == vmx)
		c->current_vcpu = NULL;
	list_del(&vmx->link);
	vmx->launched = false;
	WRITE_ONCE(vmx->cpu, -1);
}

void vmx_cpu_disable(void)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);
	struct vmx_vcpu *vmx, *next;

	lockdep_assert_irqs_disabled();
	if (!c->enabled)
		return;
	c->enabled = false;
	if (vmx_global.window)
		return;
	list_for_each_entry_safe(vmx, next, &c->loaded, link)
		clear_here(vmx);
	vmxoff();
	host_cr4_vmxe(false);
}

/* ---- which VMCS is where ---- */

static void clear_remote(void *data)
{
	clear_here(data);
}

void vmx_vmcs_release(struct vmx_vcpu *vmx)
{
	int cpu = READ_ONCE(vmx->cpu);

	/* a CPU that has gone offline since has cleared all of its own */
	if (cpu >= 0)
		smp_call_function_single(cpu, clear_remote, vmx, 1);
}

void vmx_vmcs_fetch_here(struct vmx_vcpu *vmx)
{
	int cpu = READ_ONCE(vmx->cpu);

	if (unlikely(cpu >= 0 && cpu != smp_processor_id()))
		vmx_vmcs_release(vmx);
}

static void make_current(struct vmx_vcpu *vmx, struct vmx_cpu *c)
{
	if (vmx->cpu < 0) {
		list_add(&vmx->link, &c->loaded);
		vmx->cpu = smp_processor_id();
	}
	vmptrld(vmx->vmcs_pa);
	c->current_vcpu = vmx;
}

bool vmx_begin_operation(struct vmx_vcpu *vmx)
{
	struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);

	if (unlikely(!READ_ONCE(c->enabled)))
		return false; /* reboot has taken the CPU from us */
	if (likely(!vmx_global.window)) {
		make_current(vmx, c);
		return true;
	}
	if (window_begin(c))
		return false;
	vmptrld(vmx->vmcs_pa);
	return true;
}

void vmx_end_window(struct vmx_vcpu *vmx)
{
	vmclear(vmx->vmcs_pa);
	vmx->launched = false;
	window_end();
}

bool vmx_open(struct vmx_vcpu *vmx, unsigned long *flags)
{
	preempt_disable();
	vmx_vmcs_fetch_here(vmx);
	local_irq_save(*flags);
	if (vmx_enter_operation(vmx))
		return true;
	local_irq_restore(*flags);
	preempt_enable();
	return false;
}

void vmx_close(struct vmx_vcpu *vmx, unsigned long flags)
{
	vmx_leave_operation(vmx);
	local_irq_restore(flags);
	preempt_enable();
}

/* ---- the host's state in the VMCS ---- */

/* What depends on the CPU, and does not change while a VMCS is on it. */
void vmx_host_state_write(struct vmx_vcpu *vmx)
{
	const struct vmx_cpu *c = this_cpu_ptr(&vmx_cpu);
	int cpu = smp_processor_id();
	struct desc_ptr idt;

	store_idt(&idt);
	vmcs_write(HOST_CR0, read_cr0());
	vmcs_write(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write(HOST_DS_SELECTOR, 0);
	vmcs_write(HOST_ES_SELECTOR, 0);
	vmcs_write(HOST_FS_SELECTOR, 0);
	vmcs_write(HOST_GS_SELECTOR, 0);
	vmcs_write(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	vmcs_write(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_write(HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu));
	vmcs_write(HOST_IDTR_BASE, idt.address);
	vmcs_write(HOST_GS_BASE, c->gs_base);
	vmcs_write(HOST_IA32_EFER, c->efer);
	vmcs_write(HOST_IA32_SYSENTER_CS, c->sysenter_cs);
	vmcs_write(HOST_IA32_SYSENTER_ESP, c->sysenter_esp);
	vmcs_write(HOST_IA32_SYSENTER_EIP, c->sysenter_eip);
	vmcs_write(HOST_RIP, (unsigned long)vmx_vmexit);
	/* forget what the VMCS of another CPU held */
	vmx->host.cr3 = ~0ULL;
	vmx->host.cr4 = ~0ULL;
	vmx->host.rsp = 0;
	vmcs_write(HOST_FS_BASE, vmx->host.fs_base);
}

static u64 read_fs_base(void)
{
	u64 base;

	if (boot_cpu_has(X86_FEATURE_FSGSBASE))
		return rdfsbase();
	rdmsrq(MSR_FS_BASE, base);
	return base;
}

/*
 * A VM exit loads null selectors, and FS and GS bases from the VMCS: the thread's own are kept
 * here from the burst's begin to its end. In between, interrupts find the kernel's GS.
 */
void vmx_host_state_save(struct vmx_vcpu *vmx)
{
	u64 fs_base = read_fs_base();

	savesegment(ds, vmx->host.ds);
	savesegment(es, vmx->host.es);
	savesegment(fs, vmx->host.fs);
	savesegment(gs, vmx->host.gs);
	if (fs_base != vmx->host.fs_base) {
		vmx->host.fs_base = fs_base;
		vmx->dirty |= VMX_DIRTY_HOST;
	}
	vmx->host.debugctl = vmx_rdmsr(MSR_IA32_DEBUGCTLMSR);
}

/* 32-bit programs have selectors in them; loading one changes the base. IRQs on. */
static noinline void restore_selectors(struct vmx_vcpu *vmx)
{
	unsigned long flags;

	local_irq_save(flags);
	loadsegment(ds, vmx->host.ds);
	loadsegment(es, vmx->host.es);
	if (vmx->host.fs) {
		loadsegment(fs, vmx->host.fs);
		wrmsrq(MSR_FS_BASE, vmx->host.fs_base);
	}
	if (vmx->host.gs) {
		load_gs_index(vmx->host.gs);
		wrmsrq(MSR_KERNEL_GS_BASE, vmx->host.kernel_gs_base);
	}
	local_irq_restore(flags);
}

/* The LDT may have been replaced by an interrupt meanwhile; its descriptor is right. */
static void restore_ldt(void)
{
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	unsigned long flags;

	if (likely(!READ_ONCE(current->mm->context.ldt)))
		return;
	local_irq_save(flags);
	asm volatile("lldt %w0" : : "q"(GDT_ENTRY_LDT * 8));
	local_irq_restore(flags);
#endif
}

void vmx_host_state_restore(struct vmx_vcpu *vmx)
{
	restore_ldt(); /* selectors may be of it */
	if (unlikely(vmx->host.ds | vmx->host.es | vmx->host.fs | vmx->host.gs))
		restore_selectors(vmx);
	/* The exit has left limits of 64 KiB in GDTR and of 104 bytes in TR. */
	load_fixmap_gdt(smp_processor_id());
	invalidate_tss_limit();
}

/* ---- module ---- */

void vmx_host_teardown(void)
{
	struct vmx_cpu *c;
	int cpu;

	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&vmx_cpu, cpu);
		if (c->vmxon)
			__free_page(c->vmxon);
		c->vmxon = NULL;
	}
}

int vmx_host_setup(void)
{
	struct vmx_cpu *c;
	int cpu;

	vmx_global.window = vmx_window || !HOST_CR4_SHADOW;
	for_each_possible_cpu(cpu) {
		c = per_cpu_ptr(&vmx_cpu, cpu);
		INIT_LIST_HEAD(&c->loaded);
		c->vmxon = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!c->vmxon) {
			vmx_host_teardown();
			return -ENOMEM;
		}
		*(u32 *)page_address(c->vmxon) = vmx_global.revision;
	}
	return 0;
}
