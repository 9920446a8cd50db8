// SPDX-License-Identifier: GPL-2.0-only
/* The 8254 timer; see vpit.h. */
#include "vpit.h"
#include "myhv_x86.h"

#define NSEC_PER_S 1000000000ULL
#define REFRESH_PERIOD_NS 15085 /* DRAM refresh, bit 4 of port 0x61 toggles with it */

#define P61_GATE2 BIT(0)
#define P61_SPEAKER BIT(1)
#define P61_WRITABLE 0x0f
#define P61_REFRESH BIT(4)
#define P61_OUT2 BIT(5)

#define STATUS_OUT BIT(7)
#define STATUS_NULL_COUNT BIT(6)

static u64 ns_to_ticks(u64 ns)
{
	return ns / NSEC_PER_S * VPIT_HZ + ns % NSEC_PER_S * VPIT_HZ / NSEC_PER_S;
}

/* Rounded up, so that ns_to_ticks() of the result is @ticks again. */
static u64 ticks_to_ns(u64 ticks)
{
	return ticks / VPIT_HZ * NSEC_PER_S +
	       (ticks % VPIT_HZ * NSEC_PER_S + VPIT_HZ - 1) / VPIT_HZ;
}

/* ---- counting --------------------------------------------------------- */

static bool is_periodic(const struct vpit_channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

/* Modes 1 and 5 start at a rising edge of the gate, not at the write of a count. */
static bool is_gate_triggered(const struct vpit_channel *c)
{
	return c->mode == 1 || c->mode == 5;
}

static bool is_held(const struct vpit_channel *c)
{
	return !c->gate && !is_gate_triggered(c);
}

/* Make a due reload of modes 2 and 3 effective; first thing in every access. */
static void catch_up(struct vpit_channel *c, u64 now)
{
	if (c->stopped || c->cycle == c->count || !is_periodic(c) || is_held(c) ||
	    now < c->reload_at)
		return;
	c->start = c->reload_at;
	c->cycle = c->count;
}

static u64 elapsed(const struct vpit_channel *c, u64 now)
{
	if (is_held(c))
		return c->held;
	return now > c->start ? now - c->start : 0;
}

static void load(struct vpit_channel *c, u64 now)
{
	c->cycle = c->count;
	c->start = now;
	c->held = 0;
	c->stopped = false;
}

static bool channel_out(const struct vpit_channel *c, u64 now)
{
	u64 e = elapsed(c, now);

	if (c->stopped)
		return c->mode != 0;
	switch (c->mode) {
	case 0:
	case 1:
		return e >= c->cycle;
	case 2:
		return is_held(c) || e % c->cycle != c->cycle - 1;
	case 3:
		return is_held(c) || e % c->cycle < (c->cycle + 1) / 2;
	default: /* 4, 5: a strobe of one tick */
		return e != c->cycle;
	}
}

static u32 to_bcd(u32 n)
{
	return n % 10 | n / 10 % 10 << 4 | n / 100 % 10 << 8 | n / 1000 % 10 << 12;
}

static u32 from_bcd(u32 bcd)
{
	return (bcd & 0xf) + (bcd >> 4 & 0xf) * 10 + (bcd >> 8 & 0xf) * 100 +
	       (bcd >> 12 & 0xf) * 1000;
}

/* The counting element as the guest reads it. */
static u16 channel_count(const struct vpit_channel *c, u64 now)
{
	u32 modulus = c->bcd ? 10000 : 0x10000;
	u32 phase, half, count;
	u64 e = elapsed(c, now);

	if (c->stopped) {
		count = c->cycle;
	} else if (c->mode == 2) {
		count = c->cycle - (u32)(e % c->cycle);
	} else if (c->mode == 3) {
		/* Twice per cycle from the (even) count to zero in steps of two. */
		phase = (u32)(e % c->cycle);
		half = (c->cycle + 1) / 2;
		count = (c->cycle & ~1u) - 2 * (phase < half ? phase : phase - half);
	} else {
		/* Past zero it goes on from the highest count. */
		count = c->cycle + modulus - (u32)(e % modulus);
	}
	count %= modulus;
	return (u16)(c->bcd ? to_bcd(count) : count);
}

static void set_gate(struct vpit_channel *c, bool gate, u64 now)
{
	if (c->gate == gate)
		return;
	catch_up(c, now);
	if (!gate) {
		/* Modes 0 and 4 stop here and go on later; 2 and 3 begin anew. */
		c->held = elapsed(c, now);
		if (is_periodic(c))
			c->held %= c->cycle;
		else if (c->held > c->cycle) /* past the end, only the count matters */
			c->held = c->cycle + 1 +
				  (c->held - c->cycle - 1) % (c->bcd ? 10000 : 0x10000);
		c->gate = false;
		return;
	}
	c->gate = true;
	if (c->mode == 0 || c->mode == 4)
		c->start = now - c->held;
	else if (c->written)
		load(c, now);
}

static void write_count(struct vpit_channel *c, u16 value, u64 now)
{
	u32 count = c->bcd ? from_bcd(value) : value;
	u32 highest = c->bcd ? 10000 : 0x10000;

	/* Zero is the highest count; "digits" above nine can name even more. */
	c->count = !count || count > highest ? highest : count;
	c->written = true;
	if (is_gate_triggered(c))
		return;
	if (is_periodic(c) && !c->stopped) {
		c->reload_at = c->start + (elapsed(c, now) / c->cycle + 1) * c->cycle;
		return;
	}
	load(c, now);
}

/* ---- registers -------------------------------------------------------- */

static void latch_count(struct vpit_channel *c, u64 now)
{
	if (c->count_latched)
		return;
	c->latched = channel_count(c, now);
	c->count_latched = c->rw;
}

static void latch_status(struct vpit_channel *c, u64 now)
{
	bool null_count = c->stopped || c->cycle != c->count;

	if (c->status_latched)
		return;
	c->status = (channel_out(c, now) ? STATUS_OUT : 0) | (null_count ? STATUS_NULL_COUNT : 0) |
		    c->rw << 4 | c->mode << 1 | c->bcd;
	c->status_latched = true;
}

static void control_write(struct vpit *p, u8 value, u64 now)
{
	struct vpit_channel *c;
	unsigned int i;

	if (value >> 6 == 3) { /* read-back */
		for (i = 0; i < 3; i++) {
			if (!(value & (2u << i)))
				continue;
			catch_up(&p->channel[i], now);
			if (!(value & 0x20))
				latch_count(&p->channel[i], now);
			if (!(value & 0x10))
				latch_status(&p->channel[i], now);
		}
		return;
	}
	c = &p->channel[value >> 6];
	catch_up(c, now);
	if (!(value & 0x30)) {
		latch_count(c, now);
		return;
	}
	c->rw = (value >> 4) & 3;
	c->mode = (value >> 1) & 7;
	if (c->mode > 5)
		c->mode -= 4; /* bit 2 of modes 2 and 3 is ignored */
	c->bcd = value & 1;
	c->read_state = c->rw;
	c->write_state = c->rw;
	c->count_latched = VPIT_RW_NONE;
	c->status_latched = false;
	c->stopped = true;
	c->written = false;
	c->held = 0;
}

static void counter_write(struct vpit_channel *c, u8 value, u64 now)
{
	catch_up(c, now);
	switch (c->write_state) {
	case VPIT_RW_LOW:
		write_count(c, value, now);
		break;
	case VPIT_RW_HIGH:
		write_count(c, value << 8, now);
		break;
	case VPIT_RW_WORD_LOW:
		c->write_low = value;
		c->write_state = VPIT_RW_WORD_HIGH;
		/* Data sheet, mode 0: the first byte stops the counting. */
		if (c->mode == 0)
			c->stopped = true;
		break;
	case VPIT_RW_WORD_HIGH:
		c->write_state = VPIT_RW_WORD_LOW;
		write_count(c, c->write_low | value << 8, now);
		break;
	default: /* no control word yet */
		break;
	}
}

/* The byte of @word that *@state names; moves a state of two bytes on. */
static u8 next_byte(u8 *state, u16 word)
{
	switch (*state) {
	case VPIT_RW_HIGH:
		return word >> 8;
	case VPIT_RW_WORD_LOW:
		*state = VPIT_RW_WORD_HIGH;
		return (u8)word;
	case VPIT_RW_WORD_HIGH:
		*state = VPIT_RW_WORD_LOW;
		return word >> 8;
	default:
		return (u8)word;
	}
}

static u8 counter_read(struct vpit_channel *c, u64 now)
{
	u8 value;

	catch_up(c, now);
	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (c->count_latched) {
		value = next_byte(&c->count_latched, c->latched);
		if (c->count_latched != VPIT_RW_WORD_HIGH)
			c->count_latched = VPIT_RW_NONE;
		return value;
	}
	return next_byte(&c->read_state, channel_count(c, now));
}

bool vpit_write(struct vpit *p, u16 port, u8 value, u64 now_ns)
{
	u64 now = ns_to_ticks(now_ns);
	bool channel0 = port == VPIT_CHANNEL0_PORT;

	switch (port) {
	case VPIT_CHANNEL0_PORT:
	case VPIT_CHANNEL0_PORT + 1:
	case VPIT_CHANNEL0_PORT + 2:
		counter_write(&p->channel[port - VPIT_CHANNEL0_PORT], value, now);
		break;
	case VPIT_CONTROL_PORT:
		control_write(p, value, now);
		channel0 = value < 0x40 && (value & 0x30);
		break;
	case VPIT_SPEAKER_PORT:
		p->port61 = value & P61_WRITABLE;
		set_gate(&p->channel[2], value & P61_GATE2, now);
		break;
	default:
		break;
	}
	if (!channel0)
		return false;
	/* A new programme: the debts of the old one are void. */
	p->accounted = now;
	p->lost = 0;
	return true;
}

u8 vpit_read(struct vpit *p, u16 port, u64 now_ns)
{
	u64 now = ns_to_ticks(now_ns);
	u8 value;

	switch (port) {
	case VPIT_CHANNEL0_PORT:
	case VPIT_CHANNEL0_PORT + 1:
	case VPIT_CHANNEL0_PORT + 2:
		return counter_read(&p->channel[port - VPIT_CHANNEL0_PORT], now);
	case VPIT_SPEAKER_PORT:
		value = p->port61;
		if (now_ns / REFRESH_PERIOD_NS & 1)
			value |= P61_REFRESH;
		if (vpit_out(p, 2, now_ns))
			value |= P61_OUT2;
		return value;
	default:
		return 0xff;
	}
}

bool vpit_out(struct vpit *p, unsigned int channel, u64 now_ns)
{
	struct vpit_channel *c = &p->channel[channel % 3];
	u64 now = ns_to_ticks(now_ns);

	catch_up(c, now);
	return channel_out(c, now);
}

void vpit_reset(struct vpit *p, u64 now_ns)
{
	u64 now = ns_to_ticks(now_ns);
	unsigned int i;

	for (i = 0; i < 3; i++)
		p->channel[i] = (struct vpit_channel){
			.mode = 3,
			.gate = i != 2,
			.stopped = true,
			.count = 0x10000,
			.cycle = 0x10000,
			.start = now,
		};
	p->port61 = 0;
	p->legacy_off = false;
	p->accounted = now;
	p->lost = 0;
}

/* ---- interrupts of channel 0 ------------------------------------------ */

/* The first rising edge of OUT after tick @t, or VPIT_NEVER. */
static u64 edge_after(const struct vpit_channel *c, u64 t)
{
	u64 edge;

	if (c->stopped || is_held(c))
		return VPIT_NEVER;
	if (is_periodic(c)) {
		/* Then a reload lies in between, and it is an edge itself. */
		if (t < c->start)
			return c->start;
		return c->start + ((t - c->start) / c->cycle + 1) * c->cycle;
	}
	edge = c->start + c->cycle + (c->mode >= 4);
	return edge > t ? edge : VPIT_NEVER;
}

u64 vpit_next_irq_ns(struct vpit *p)
{
	struct vpit_channel *c = &p->channel[0];
	u64 edge, earliest;

	if (p->legacy_off)
		return VPIT_NEVER;
	/* Not further than what is accounted for: an edge before that is still due. */
	catch_up(c, p->accounted);
	edge = edge_after(c, p->accounted);
	if (edge == VPIT_NEVER)
		return VPIT_NEVER;
	earliest = ticks_to_ns(p->accounted) + p->min_period_ns;
	/* A single count keeps its time; only a storm is slowed down. */
	return is_periodic(c) ? max(ticks_to_ns(edge), earliest) : ticks_to_ns(edge);
}

u32 vpit_expire(struct vpit *p, u64 now_ns)
{
	struct vpit_channel *c = &p->channel[0];
	u64 now = ns_to_ticks(now_ns);
	u64 from = p->accounted;
	u64 edges = 0;
	u64 edge;

	if (now <= from || p->legacy_off)
		return 0;
	/* With a reload in between, the edge of the reload itself counts for all before. */
	catch_up(c, from);
	edge = edge_after(c, from);
	if (edge <= now) {
		edges = 1;
		catch_up(c, now);
		if (is_periodic(c) && now > edge && c->start <= edge &&
		    ticks_to_ns(c->cycle) >= p->min_period_ns)
			edges += (now - edge) / c->cycle;
	}
	p->accounted = now;
	return (u32)min(edges, (u64)VPIT_MAX_LOST);
}

static void owe(struct vpit *p, u32 ticks, u32 limit)
{
	if (!p->reinject)
		p->lost = 0;
	else if (p->lost < limit)
		p->lost = min(p->lost + min(ticks, limit), limit);
}

void vpit_ticked(struct vpit *p, u32 ticks, enum irq_result result)
{
	if (!ticks)
		return;
	if (result == IRQ_DELIVERED || result == IRQ_LATCHED)
		ticks--;
	owe(p, ticks, result == IRQ_MASKED ? VPIT_MAX_LOST_MASKED : VPIT_MAX_LOST);
}

/** vpit_repaid() - a late tick was pulsed; @result as for vpit_ticked() */
void vpit_repaid(struct vpit *p, enum irq_result result)
{
	if (p->lost && (result == IRQ_DELIVERED || result == IRQ_LATCHED))
		p->lost--;
}

/* ---- state transfer --------------------------------------------------- */

void vpit_get_state(struct vpit *p, u64 now_ns, struct myhv_pit_state *state)
{
	unsigned int i;

	memset(state, 0, sizeof(*state));
	for (i = 0; i < 3; i++) {
		struct vpit_channel *c = &p->channel[i];
		struct myhv_pit_channel_state *s = &state->channel[i];

		catch_up(c, ns_to_ticks(now_ns));
		s->count = c->count;
		s->latched_count = c->latched;
		s->count_latched = c->count_latched;
		s->status_latched = c->status_latched;
		s->status = c->status;
		s->read_state = c->read_state;
		s->write_state = c->write_state;
		s->write_latch = c->write_low;
		s->rw_mode = c->rw;
		s->mode = c->mode;
		s->bcd = c->bcd;
		s->gate = c->gate;
		s->count_load_time_ns = (s64)ticks_to_ns(c->start);
		s->cycle_count = c->cycle;
		s->held_ticks = (u32)c->held;
		s->stopped = c->stopped;
		s->written = c->written;
	}
	if (p->port61 & P61_SPEAKER)
		state->flags |= MYHV_PIT_SPEAKER_DATA_ON;
	if (p->legacy_off)
		state->flags |= MYHV_PIT_HPET_LEGACY;
}

static bool channel_state_is_possible(const struct myhv_pit_channel_state *s)
{
	static const u8 zero[sizeof(s->pad)];
	u8 flags = s->status_latched | s->bcd | s->gate | s->stopped | s->written;

	if (memcmp(s->pad, zero, sizeof(zero)))
		return false;

	return s->count <= 0x10000 && s->cycle_count <= 0x10000 && s->mode <= 5 &&
	       s->rw_mode <= 3 && s->read_state <= VPIT_RW_WORD_HIGH &&
	       s->write_state <= VPIT_RW_WORD_HIGH && s->count_latched <= VPIT_RW_WORD_HIGH &&
	       flags <= 1 && s->held_ticks <= 0x20001 && s->count_load_time_ns >= 0;
}

int vpit_set_state(struct vpit *p, u64 now_ns, const struct myhv_pit_state *state)
{
	u64 now = ns_to_ticks(now_ns);
	unsigned int i;

	if ((state->flags & ~(MYHV_PIT_SPEAKER_DATA_ON | MYHV_PIT_HPET_LEGACY)) || state->pad)
		return -EINVAL;
	for (i = 0; i < 3; i++) {
		const struct myhv_pit_channel_state *s = &state->channel[i];

		if (!channel_state_is_possible(s) || (i != 2 && !s->gate))
			return -EINVAL;
	}

	for (i = 0; i < 3; i++) {
		const struct myhv_pit_channel_state *s = &state->channel[i];
		struct vpit_channel *c = &p->channel[i];
		u64 start = ns_to_ticks((u64)s->count_load_time_ns);

		*c = (struct vpit_channel){
			.mode = s->mode,
			.bcd = s->bcd,
			.rw = s->rw_mode,
			.gate = s->gate,
			.stopped = s->stopped,
			.written = s->written || !s->stopped,
			.read_state = s->read_state,
			.write_state = s->write_state,
			.count_latched = s->count_latched,
			.write_low = s->write_latch,
			.status_latched = s->status_latched,
			.status = s->status,
			.latched = s->latched_count,
			.count = s->count ? s->count : 0x10000,
			.start = min(start, now),
			.held = s->held_ticks,
		};
		c->cycle = s->cycle_count ? s->cycle_count : c->count;
		if (c->cycle != c->count)
			c->reload_at = c->start + (elapsed(c, now) / c->cycle + 1) * c->cycle;
	}
	p->port61 = (state->channel[2].gate ? P61_GATE2 : 0) |
		    (state->flags & MYHV_PIT_SPEAKER_DATA_ON ? P61_SPEAKER : 0);
	p->legacy_off = state->flags & MYHV_PIT_HPET_LEGACY;
	p->accounted = now;
	p->lost = 0;
	return 0;
}
