// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registers of a VGA behind ports 0x3b0-0x3df: sequencer, graphics controller,
 * attribute controller, CRT controller and palette.
 */
#include <string.h>

#include "dev/vga_state.h"

/* Offsets from VGA_PORT. The CRTC answers at 0x3bX or at 0x3dX, as MISC_COLOUR says. */
#define MONO_CRTC_INDEX 0x04
#define MONO_CRTC_DATA 0x05
#define MONO_STATUS 0x0a
#define ATTR_WRITE 0x10
#define ATTR_READ 0x11
#define MISC_WRITE 0x12 /* reads input status 0 */
#define SEQ_INDEX 0x14
#define SEQ_DATA 0x15
#define DAC_MASK 0x16
#define DAC_READ_INDEX 0x17 /* reads the DAC's state */
#define DAC_WRITE_INDEX 0x18
#define DAC_DATA 0x19
#define FEATURE_READ 0x1a
#define MISC_READ 0x1c
#define GFX_INDEX 0x1e
#define GFX_DATA 0x1f
#define COLOUR_CRTC_INDEX 0x24
#define COLOUR_CRTC_DATA 0x25
#define COLOUR_STATUS 0x2a

#define MISC_COLOUR 0x01
#define STATUS0_SENSE 0x10 /* a monitor is there */
#define STATUS1_BLANK 0x01
#define STATUS1_RETRACE 0x08
#define DAC_IS_READ 0x03
#define CRTC_PROTECT 0x80
#define CRTC_OVERFLOW 0x07
#define CRTC_RETRACE_END 0x11
#define LINE_COMPARE_8 0x10 /* the bit of the overflow register that stays unprotected */

/* The beam of a 640x480 mode at 60 Hz. */
#define FRAME_NS 16666667
#define FRAME_SHOWN_NS (FRAME_NS / 525 * 480)
#define RETRACE_NS (FRAME_NS / 525 * 490)
#define LINE_NS (FRAME_NS / 525)
#define LINE_SHOWN_NS (LINE_NS / 5 * 4)

static const uint8_t seq_writable[VGA_SEQ_REGS] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const uint8_t gfx_writable[VGA_GFX_REGS] = {
	0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff,
};
static const uint8_t attr_writable[VGA_ATTR_REGS] = {
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

#define CRTC_WRITABLE_REGS 0x19

void vga_state_init(struct vga_state *vga, uint8_t *vram, uint32_t vram_bytes,
		    void (*clear_vram)(struct vga_state *vga, uint32_t bytes))
{
	memset(vga, 0, sizeof(*vga));
	vga->vram = vram;
	vga->vram_bytes = vram_bytes;
	vga->clear_vram = clear_vram;
	vga_state_reset(vga);
}

void vga_state_reset(struct vga_state *vga)
{
	struct vga_state fresh = {
		.vram = vga->vram,
		.vram_bytes = vga->vram_bytes,
		.clear_vram = vga->clear_vram,
		.generation = vga->generation + 1,
		.dac_mask = 0xff,
		.misc = MISC_COLOUR,
		.dispi[DISPI_ID] = 0xb0c5,
		.dispi[DISPI_BPP] = 8,
	};

	*vga = fresh;
	vga->clear_vram(vga, vga->vram_bytes);
}

static uint8_t beam_status(int64_t now_ns)
{
	int64_t in_frame = now_ns % FRAME_NS;
	uint8_t status = 0;

	if (in_frame >= FRAME_SHOWN_NS || in_frame % LINE_NS >= LINE_SHOWN_NS)
		status |= STATUS1_BLANK;
	if (in_frame >= RETRACE_NS)
		status |= STATUS1_RETRACE;
	return status;
}

/* ---- palette ---- */

static uint8_t dac_read(struct vga_state *vga)
{
	uint8_t value = vga->dac[vga->dac_read_index][vga->dac_part];

	if (++vga->dac_part == 3) {
		vga->dac_part = 0;
		vga->dac_read_index++;
	}
	return value;
}

/* A colour changes when its third part is there. */
static void dac_write(struct vga_state *vga, uint8_t value)
{
	uint8_t *colour = vga->dac[vga->dac_write_index];

	if (vga->dac_part < 2) {
		vga->dac_latch[vga->dac_part++] = value;
		return;
	}
	colour[0] = vga->dac_latch[0];
	colour[1] = vga->dac_latch[1];
	colour[2] = value;
	vga->dac_part = 0;
	vga->dac_write_index++;
}

/* ---- attribute and CRT controller ---- */

static void attr_write(struct vga_state *vga, uint8_t value)
{
	unsigned int index = vga->attr_index % VGA_ATTR_REGS;

	if (vga->attr_is_data)
		vga->attr[index] = value & attr_writable[index];
	else
		vga->attr_index = value & 0x3f;
	vga->attr_is_data = !vga->attr_is_data;
}

static void crtc_write(struct vga_state *vga, uint8_t value)
{
	unsigned int index = vga->crtc_index;

	if (index >= CRTC_WRITABLE_REGS)
		return;
	if (index <= CRTC_OVERFLOW && (vga->crtc[CRTC_RETRACE_END] & CRTC_PROTECT)) {
		if (index != CRTC_OVERFLOW)
			return;
		value = (vga->crtc[index] & ~LINE_COMPARE_8) | (value & LINE_COMPARE_8);
	}
	vga->crtc[index] = value;
}

/* ---- ports ---- */

/* The CRTC's ports at their colour place, whichever it answers at; others as they are. */
static unsigned int normal_port(const struct vga_state *vga, unsigned int port)
{
	bool is_mono = port < ATTR_WRITE, is_colour = port >= 0x20;

	if (!is_mono && !is_colour)
		return port;
	if (is_colour != !!(vga->misc & MISC_COLOUR))
		return VGA_PORTS; /* nobody there */
	return is_mono ? port + 0x20 : port;
}

uint8_t vga_port_read(struct vga_state *vga, unsigned int port, int64_t now_ns)
{
	switch (normal_port(vga, port)) {
	case ATTR_WRITE:
		return vga->attr_is_data ? 0 : vga->attr_index;
	case ATTR_READ:
		return vga->attr[vga->attr_index % VGA_ATTR_REGS];
	case MISC_WRITE:
		return STATUS0_SENSE;
	case SEQ_INDEX:
		return vga->seq_index;
	case SEQ_DATA:
		return vga->seq[vga->seq_index];
	case DAC_MASK:
		return vga->dac_mask;
	case DAC_READ_INDEX:
		return vga->dac_reads ? DAC_IS_READ : 0;
	case DAC_WRITE_INDEX:
		return vga->dac_write_index;
	case DAC_DATA:
		return dac_read(vga);
	case FEATURE_READ:
		return vga->feature;
	case MISC_READ:
		return vga->misc;
	case GFX_INDEX:
		return vga->gfx_index;
	case GFX_DATA:
		return vga->gfx[vga->gfx_index];
	case COLOUR_CRTC_INDEX:
		return vga->crtc_index;
	case COLOUR_CRTC_DATA:
		return vga->crtc[vga->crtc_index];
	case COLOUR_STATUS:
		vga->attr_is_data = false;
		return beam_status(now_ns);
	default:
		return 0xff;
	}
}

void vga_port_write(struct vga_state *vga, unsigned int port, uint8_t value)
{
	vga->generation++;
	switch (normal_port(vga, port)) {
	case ATTR_WRITE:
		attr_write(vga, value);
		break;
	case MISC_WRITE:
		vga->misc = value & ~0x10;
		break;
	case SEQ_INDEX:
		vga->seq_index = value % VGA_SEQ_REGS;
		break;
	case SEQ_DATA:
		vga->seq[vga->seq_index] = value & seq_writable[vga->seq_index];
		break;
	case DAC_MASK:
		vga->dac_mask = value;
		break;
	case DAC_READ_INDEX:
		vga->dac_read_index = value;
		vga->dac_part = 0;
		vga->dac_reads = true;
		break;
	case DAC_WRITE_INDEX:
		vga->dac_write_index = value;
		vga->dac_part = 0;
		vga->dac_reads = false;
		break;
	case DAC_DATA:
		dac_write(vga, value);
		break;
	case GFX_INDEX:
		vga->gfx_index = value % VGA_GFX_REGS;
		break;
	case GFX_DATA:
		vga->gfx[vga->gfx_index] = value & gfx_writable[vga->gfx_index];
		break;
	case COLOUR_CRTC_INDEX:
		vga->crtc_index = value % VGA_CRTC_REGS;
		break;
	case COLOUR_CRTC_DATA:
		crtc_write(vga, value);
		break;
	case COLOUR_STATUS:
		vga->feature = value & 0x10;
		break;
	default:
		break;
	}
}
