/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pure model of the PC's 8254 timer and of port 0x61 that gates its channel 2.
 * Intel's data sheet "8254 Programmable Interval Timer" defines the six modes.
 *
 * All times are nanoseconds of one clock that never goes back; inside they are ticks
 * of 1.193182 MHz. Nothing runs between calls: counts and outputs are computed when
 * somebody looks.
 */
#ifndef MYHV_VPIT_H
#define MYHV_VPIT_H

#include "irq_result.h"
#include "model.h"

struct myhv_pit_state;

#define VPIT_HZ 1193182
#define VPIT_CHANNEL0_PORT 0x40
#define VPIT_CONTROL_PORT 0x43
#define VPIT_SPEAKER_PORT 0x61

/*
 * Ticks that reinjection remembers at most. Fewer while the line is masked: that may
 * be a guest in its interrupt handler, or one that has no use for ticks any more.
 */
#define VPIT_MAX_LOST 1000
#define VPIT_MAX_LOST_MASKED 32
#define VPIT_NEVER (~0ULL)

/**
 * struct vpit_channel - one counter
 * @mode: 0..5
 * @bcd: counts in decimal; all counts here are binary numbers of ticks all the same
 * @rw: access mode of the control word: 1 low byte, 2 high byte, 3 both
 * @gate: gate input
 * @stopped: nothing loaded: no count since the control word, or waiting for a trigger
 * @written: a count was written since the control word
 * @read_state: byte that is read next, enum vpit_rw
 * @write_state: byte that is written next
 * @count_latched: byte of @latched that is read next, VPIT_RW_NONE: nothing latched
 * @write_low: first byte of a count of two
 * @status_latched: @status is to be read first
 * @status: latched status
 * @latched: latched count as the guest reads it
 * @count: what the guest wrote, 1..0x10000
 * @cycle: what is counted down from now; differs from @count until the reload
 * @start: tick at which the count was loaded
 * @reload_at: modes 2 and 3 with @cycle != @count: tick of the reload
 * @held: gate low in modes 0, 2, 3, 4: ticks counted so far
 */
struct vpit_channel {
	u8 mode;
	bool bcd;
	u8 rw;
	bool gate;
	bool stopped;
	bool written;
	u8 read_state;
	u8 write_state;
	u8 count_latched;
	u8 write_low;
	bool status_latched;
	u8 status;
	u16 latched;
	u32 count;
	u32 cycle;
	u64 start;
	u64 reload_at;
	u64 held;
};

enum vpit_rw {
	VPIT_RW_NONE,
	VPIT_RW_LOW,
	VPIT_RW_HIGH,
	VPIT_RW_WORD_LOW,
	VPIT_RW_WORD_HIGH,
};

/**
 * struct vpit - the chip
 * @channel: 0 drives IRQ 0, 2 the speaker
 * @port61: bits 3:0 as written
 * @legacy_off: the HPET has taken over IRQ 0 and the RTC's line
 * @reinject: deliver missed ticks late instead of dropping them
 * @min_period_ns: shortest distance of two interrupts
 * @accounted: tick up to which vpit_expire() has counted
 * @lost: ticks to deliver late
 */
struct vpit {
	struct vpit_channel channel[3];
	u8 port61;
	bool legacy_off;
	bool reinject;
	u32 min_period_ns;
	u64 accounted;
	u32 lost;
};

/* Keeps @reinject and @min_period_ns, which the caller sets. */
void vpit_reset(struct vpit *p, u64 now_ns);

/**
 * vpit_write() - byte write to ports 0x40..0x43 and 0x61; others are ignored
 * @p: the chip
 * @port: the port
 * @value: value
 * @now_ns: time
 *
 * Returns true when the next interrupt may have moved: ask vpit_next_irq_ns().
 */
bool vpit_write(struct vpit *p, u16 port, u8 value, u64 now_ns);
/* Byte read of the same; 0x43 reads as ones. */
u8 vpit_read(struct vpit *p, u16 port, u64 now_ns);

/* Level of a channel's OUT. */
bool vpit_out(struct vpit *p, unsigned int channel, u64 now_ns);

/* When channel 0 interrupts next, VPIT_NEVER when it does not. */
u64 vpit_next_irq_ns(struct vpit *p);

/**
 * vpit_expire() - rising edges of channel 0 since the last call
 * @p: the chip
 * @now_ns: time
 *
 * When not 0, the caller pulses IRQ 0 once and reports by vpit_ticked().
 */
u32 vpit_expire(struct vpit *p, u64 now_ns);

/**
 * vpit_ticked() - the line was pulsed for @ticks edges
 * @p: the chip
 * @ticks: edges
 * @result: IRQ_COALESCED is owed to the guest, IRQ_MASKED within limits
 */
void vpit_ticked(struct vpit *p, u32 ticks, enum irq_result result);

/**
 * vpit_owes_tick() - the guest has ended IRQ 0: is there one to deliver late?
 * @p: the chip
 *
 * When true, the caller pulses the line and reports by vpit_repaid().
 */
static inline bool vpit_owes_tick(const struct vpit *p)
{
	return p->lost != 0;
}

void vpit_repaid(struct vpit *p, enum irq_result result);

void vpit_get_state(struct vpit *p, u64 now_ns, struct myhv_pit_state *state);
/* -EINVAL and no change for what no chip can have. */
int vpit_set_state(struct vpit *p, u64 now_ns, const struct myhv_pit_state *state);

#endif /* MYHV_VPIT_H */
