// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended state (x87, SSE, AVX, AVX-512) of the guest and how it changes places with the
 * host's.
 *
 * kernel_fpu_begin_mask() has the host's own registers saved for the thread's way back to
 * user space, and keeps interrupts from using the FPU; inside, the registers are free for
 * us. One XRSTOR under the host's XCR0 loads every component that guests can have, and one
 * XSAVE stores them again, so that components which the guest has switched off in its
 * XCR0 survive too. The guest's XCR0 is in force only between the two.
 *
 * PKRU is not part of it: see host_fpu_pkru_enter(). AMX is not offered to guests.
 */
#include <linux/log2.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include "compat/compat.h"
#include "host/host.h"

#define XF_YMM 2
#define XF_PKRU 9

#define XCR0_AVX512 (XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM)
#define XCR0_OFFERED \
	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XCR0_AVX512 | XFEATURE_MASK_PKRU)

#define FCW_RESET 0x0040
#define FCW_INIT 0x037f
#define FSW_ES BIT(7) /* an unmasked exception waits */
#define FSW_TOP GENMASK(13, 11)
#define MXCSR_RESET 0x1f80
#define MXCSR_MASK_DEFAULT 0xffbf

/* SDM "FXSAVE Area", "XSAVE Header" */
struct xsave_area {
	u16 fcw, fsw;
	u8 ftw, reserved;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u8 st[8][16];
	u8 xmm[16][16];
	u8 reserved_1a0[96];
	u64 xstate_bv;
	u64 xcomp_bv;
	u64 reserved_210[6];
	u8 extended[];
} __packed;

static_assert(offsetof(struct xsave_area, xmm) == 160);
static_assert(offsetof(struct xsave_area, xstate_bv) == 512);
static_assert(sizeof(struct xsave_area) == 576);

/* Set at load. */
static struct {
	bool xsave;
	bool xsaveopt;
	bool xsaves;
	bool pke;
	u64 host_xcr0;
	u64 host_xss;
	u64 guest_xcr0; /* may be enabled by guests */
	u64 mask;	/* moved by us: guest_xcr0 without PKRU */
	u32 bytes;
	u32 mxcsr_mask;
	u32 ymm_offset;
	u32 pkru_offset;
} fpu __ro_after_init;

/* ---- instructions ---- */

static u64 xcr0_read(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (u64)hi << 32 | lo;
}

static void xcr0_write(u64 value)
{
	asm volatile("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static void state_load(const struct xsave_area *area)
{
	if (fpu.xsave)
		asm volatile("xrstor64 %0" : : "m"(*area), "a"((u32)fpu.mask),
			     "d"((u32)(fpu.mask >> 32)) : "memory");
	else
		asm volatile("fxrstor64 %0" : : "m"(*area) : "memory");
}

static void state_save(struct xsave_area *area)
{
	if (fpu.xsaveopt)
		asm volatile("xsaveopt64 %0" : "+m"(*area) : "a"((u32)fpu.mask),
			     "d"((u32)(fpu.mask >> 32)) : "memory");
	else if (fpu.xsave)
		asm volatile("xsave64 %0" : "+m"(*area) : "a"((u32)fpu.mask),
			     "d"((u32)(fpu.mask >> 32)) : "memory");
	else
		asm volatile("fxsave64 %0" : "+m"(*area) : : "memory");
}

/* ---- module load ---- */

/* Bytes of the standard format up to and with component @nr. */
static u32 component_end(unsigned int nr, u32 *offset)
{
	u32 eax, ebx, ecx, edx;

	cpuid_count(0xd, nr, &eax, &ebx, &ecx, &edx);
	if (offset)
		*offset = ebx;
	return eax + ebx;
}

static u32 mxcsr_mask_read(void)
{
	struct xsave_area *area = kzalloc(1024, GFP_KERNEL); /* aligned to its size */
	u32 mask = 0;

	if (area) {
		kernel_fpu_begin_mask(0);
		asm volatile("fxsave64 %0" : "+m"(*area) : : "memory");
		kernel_fpu_end();
		mask = area->mxcsr_mask;
		kfree(area);
	}
	return mask ? mask : MXCSR_MASK_DEFAULT;
}

static void init_xsave(void)
{
	u32 eax, ebx, ecx, edx;
	unsigned int nr;

	fpu.host_xcr0 = xcr0_read();
	fpu.guest_xcr0 = fpu.host_xcr0 & XCR0_OFFERED;
	if ((fpu.guest_xcr0 & XCR0_AVX512) != XCR0_AVX512)
		fpu.guest_xcr0 &= ~(u64)XCR0_AVX512;
	for (nr = XF_YMM; nr < 64; nr++)
		if (fpu.guest_xcr0 & BIT_ULL(nr))
			fpu.bytes = max(fpu.bytes, component_end(nr, NULL));
	component_end(XF_YMM, &fpu.ymm_offset);
	component_end(XF_PKRU, &fpu.pkru_offset);
	fpu.mask = fpu.guest_xcr0 & ~(u64)XFEATURE_MASK_PKRU;

	cpuid_count(0xd, 1, &eax, &ebx, &ecx, &edx);
	fpu.xsaveopt = eax & BIT(0);
	fpu.xsaves = eax & BIT(3);
	if (fpu.xsaves)
		rdmsrq(MSR_IA32_XSS, fpu.host_xss);
}

int __init host_fpu_init(void)
{
	unsigned long cr4 = native_read_cr4();

	fpu.bytes = sizeof(struct xsave_area);
	fpu.mxcsr_mask = mxcsr_mask_read();
	fpu.xsave = cr4 & X86_CR4_OSXSAVE;
	fpu.pke = cr4 & X86_CR4_PKE;
	if (fpu.xsave)
		init_xsave();
	if (fpu.bytes > sizeof_field(struct myhv_vcpu_state, xsave)) {
		pr_err("myhv: this CPU's AVX state takes %u bytes, more than myhv knows\n",
		       fpu.bytes);
		return -ENODEV;
	}
	return 0;
}

u64 host_fpu_xcr0(void)
{
	return fpu.guest_xcr0;
}

u32 host_fpu_bytes(void)
{
	return fpu.bytes;
}

/* ---- a vCPU's area ---- */

static struct xsave_area *area_of(struct myhv_vcpu *vcpu)
{
	return vcpu->fpu.guest;
}

/* A power of two: such kmalloc() memory is aligned to its size, and XSAVE wants 64. */
int host_fpu_alloc(struct myhv_vcpu *vcpu)
{
	vcpu->fpu.guest = kzalloc(roundup_pow_of_two(fpu.bytes), GFP_KERNEL_ACCOUNT);
	if (!vcpu->fpu.guest)
		return -ENOMEM;
	vcpu->fpu.bytes = fpu.bytes;
	host_fpu_reset(vcpu, false);
	return 0;
}

void host_fpu_free(struct myhv_vcpu *vcpu)
{
	kfree(vcpu->fpu.guest);
	vcpu->fpu.guest = NULL;
}

/* SDM "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT" */
void host_fpu_reset(struct myhv_vcpu *vcpu, bool init)
{
	struct xsave_area *area = area_of(vcpu);

	if (init)
		return; /* INIT leaves all of it alone, XCR0 too */
	memset(area, 0, fpu.bytes);
	area->fcw = FCW_RESET;
	area->ftw = 0xff; /* abridged: every register valid, and zero */
	area->mxcsr = MXCSR_RESET;
	area->xstate_bv = fpu.xsave ? XFEATURE_MASK_FP : 0;
	vcpu->fpu.xcr0 = XFEATURE_MASK_FP;
	vcpu->fpu.xss = 0;
	vcpu->fpu.pkru = 0;
	vcpu->fpu.swap_pkru = false;
}

/* ---- the burst ---- */

void host_fpu_begin(struct myhv_vcpu *vcpu)
{
	kernel_fpu_begin_mask(0);
	state_load(area_of(vcpu));
	if (!fpu.xsave)
		return;
	if (vcpu->fpu.xcr0 != fpu.host_xcr0)
		xcr0_write(vcpu->fpu.xcr0);
	if (unlikely(vcpu->fpu.xss != fpu.host_xss))
		wrmsrq(MSR_IA32_XSS, vcpu->fpu.xss);
}

void host_fpu_end(struct myhv_vcpu *vcpu)
{
	if (fpu.xsave) {
		if (vcpu->fpu.xcr0 != fpu.host_xcr0)
			xcr0_write(fpu.host_xcr0);
		if (unlikely(vcpu->fpu.xss != fpu.host_xss))
			wrmsrq(MSR_IA32_XSS, fpu.host_xss);
	}
	state_save(area_of(vcpu));
	kernel_fpu_end();
}

void host_fpu_set_xcr0(struct myhv_vcpu *vcpu, u64 xcr0)
{
	vcpu->fpu.xcr0 = xcr0;
	if (fpu.xsave && vcpu->in_burst)
		xcr0_write(xcr0);
}

void host_fpu_set_xss(struct myhv_vcpu *vcpu, u64 xss)
{
	vcpu->fpu.xss = xss;
	if (fpu.xsaves && vcpu->in_burst)
		wrmsrq(MSR_IA32_XSS, xss);
}

/* The guest sees PKRU by RDPKRU (CR4.PKE) or XSAVE (XCR0). */
void host_fpu_pkru_update(struct myhv_vcpu *vcpu, u64 cr4)
{
	vcpu->fpu.swap_pkru = fpu.pke && ((cr4 & X86_CR4_PKE) ||
					  (vcpu->fpu.xcr0 & XFEATURE_MASK_PKRU));
}

/* ---- access from outside a burst ---- */

/* A component that XSTATE_BV lacks is in its initial state, whatever the memory says. */
static void materialize(struct xsave_area *area, u64 component, void *at, size_t bytes)
{
	if (!fpu.xsave || (area->xstate_bv & component))
		return;
	memset(at, 0, bytes);
	area->xstate_bv |= component;
}

void host_fpu_get_vector(struct myhv_vcpu *vcpu, unsigned int nr, void *data, unsigned int bytes)
{
	struct xsave_area *area = area_of(vcpu);
	u8 *ymm = (u8 *)area + fpu.ymm_offset;

	nr &= 15;
	materialize(area, XFEATURE_MASK_SSE, area->xmm, sizeof(area->xmm));
	memcpy(data, area->xmm[nr], 16);
	if (bytes <= 16)
		return;
	if (!(fpu.mask & XFEATURE_MASK_YMM)) {
		memset(data + 16, 0, 16);
		return;
	}
	materialize(area, XFEATURE_MASK_YMM, ymm, 256);
	memcpy(data + 16, ymm + nr * 16, 16);
}

void host_fpu_set_vector(struct myhv_vcpu *vcpu, unsigned int nr, const void *data,
			 unsigned int bytes)
{
	struct xsave_area *area = area_of(vcpu);
	u8 *ymm = (u8 *)area + fpu.ymm_offset;

	nr &= 15;
	materialize(area, XFEATURE_MASK_SSE, area->xmm, sizeof(area->xmm));
	memcpy(area->xmm[nr], data, 16);
	if (bytes <= 16 || !(fpu.mask & XFEATURE_MASK_YMM))
		return;
	materialize(area, XFEATURE_MASK_YMM, ymm, 256);
	memcpy(ymm + nr * 16, data + 16, 16);
}

/* What the x87 component looks like when XSTATE_BV says "initial". */
static void init_legacy(struct xsave_area *area, u64 missing)
{
	if (missing & XFEATURE_MASK_FP) {
		memset(area, 0, offsetof(struct xsave_area, mxcsr));
		memset(area->st, 0, sizeof(area->st));
		area->fcw = FCW_INIT;
	}
	if (missing & XFEATURE_MASK_SSE)
		memset(area->xmm, 0, sizeof(area->xmm));
}

/*
 * The image holds the x87 registers from the top of their stack on, MMX registers are the
 * physical ones below them. SDM "MMX Registers", "FXSAVE Area"
 */
static unsigned int x87_top(const struct xsave_area *area)
{
	return area->fsw >> 11 & 7;
}

static void x87_materialize(struct xsave_area *area)
{
	if (!fpu.xsave || (area->xstate_bv & XFEATURE_MASK_FP))
		return;
	init_legacy(area, XFEATURE_MASK_FP);
	area->xstate_bv |= XFEATURE_MASK_FP;
}

bool host_fpu_get_mmx(struct myhv_vcpu *vcpu, unsigned int nr, u64 *val)
{
	struct xsave_area *area = area_of(vcpu);

	x87_materialize(area);
	memcpy(val, area->st[(nr - x87_top(area)) & 7], sizeof(*val));
	return !(area->fsw & FSW_ES);
}

void host_fpu_put_mmx(struct myhv_vcpu *vcpu, unsigned int nr, const u64 *val)
{
	struct xsave_area *area = area_of(vcpu);
	unsigned int top, i;
	u8 st[8][16];

	x87_materialize(area);
	top = x87_top(area);
	memcpy(st, area->st, sizeof(st));
	for (i = 0; i < 8; i++)
		memcpy(area->st[i], st[(i - top) & 7], sizeof(st[i]));
	area->fsw &= ~FSW_TOP;
	area->ftw = 0xff;
	if (!val)
		return;
	memcpy(area->st[nr & 7], val, sizeof(*val));
	memset(area->st[nr & 7] + sizeof(*val), 0xff, 2);
}

/* ---- the whole image, for save and restore ---- */

int host_fpu_get_image(struct myhv_vcpu *vcpu, void *image, u32 bytes)
{
	struct xsave_area *out = image;
	unsigned int nr;
	u32 offset, end;

	if (bytes < fpu.bytes)
		return -EINVAL;
	memcpy(out, vcpu->fpu.guest, fpu.bytes);
	memset(image + fpu.bytes, 0, bytes - fpu.bytes);
	out->mxcsr_mask = fpu.mxcsr_mask;
	memset(out->reserved_1a0, 0, sizeof(out->reserved_1a0));
	if (!fpu.xsave) {
		out->xstate_bv = XFEATURE_MASK_FPSSE;
		return 0;
	}
	init_legacy(out, ~out->xstate_bv);
	for (nr = XF_YMM; nr < 64; nr++) {
		if (!(fpu.mask & ~out->xstate_bv & BIT_ULL(nr)))
			continue;
		end = component_end(nr, &offset);
		memset(image + offset, 0, end - offset);
	}
	if (fpu.guest_xcr0 & XFEATURE_MASK_PKRU) {
		memcpy(image + fpu.pkru_offset, &vcpu->fpu.pkru, sizeof(vcpu->fpu.pkru));
		out->xstate_bv |= XFEATURE_MASK_PKRU;
	}
	return 0;
}

/* What XRSTOR would refuse with #GP (SDM "Standard Form of XRSTOR"). */
static bool image_is_legal(const struct xsave_area *in)
{
	const u64 known = fpu.xsave ? fpu.guest_xcr0 : XFEATURE_MASK_FPSSE;

	return !(in->xstate_bv & ~known) && !in->xcomp_bv &&
	       !memchr_inv(in->reserved_210, 0, sizeof(in->reserved_210)) &&
	       !(in->mxcsr & ~fpu.mxcsr_mask);
}

int host_fpu_set_image(struct myhv_vcpu *vcpu, const void *image, u32 bytes)
{
	const struct xsave_area *in = image;
	struct xsave_area *area = area_of(vcpu);

	if (bytes < fpu.bytes || !image_is_legal(in))
		return -EINVAL;
	memcpy(area, image, fpu.bytes);
	if (!fpu.xsave) {
		init_legacy(area, ~in->xstate_bv);
		return 0;
	}
	if (fpu.guest_xcr0 & XFEATURE_MASK_PKRU) {
		vcpu->fpu.pkru = 0;
		if (in->xstate_bv & XFEATURE_MASK_PKRU)
			memcpy(&vcpu->fpu.pkru, image + fpu.pkru_offset, sizeof(vcpu->fpu.pkru));
	}
	area->xstate_bv &= fpu.mask;
	return 0;
}
