// SPDX-License-Identifier: GPL-2.0-only
/*
 * The routing table: from a GSI to chips and messages, and back from a pin to its
 * GSI. Readers use RCU, in any context; a new table replaces the old one as a whole.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "chip/chip_priv.h"
#include "core/eventfd.h"
#include "core/irq_route.h"

#define NR_GSIS MYHV_MAX_IRQ_ROUTES
#define NR_CHIPS (MYHV_CHIP_IOAPIC + 1)
#define NO_GSI U16_MAX
#define PIT_GSI 0

enum target_type { TARGET_PIC, TARGET_IOAPIC, TARGET_MSI, TARGET_NOTHING };

/* One entry, checked and decoded. */
struct irq_target {
	u8 type;
	u8 pin; /* PIC: 0..15 */
	struct apic_msg msg;
};

/**
 * struct irq_table - an immutable routing table
 * @rcu: to free it
 * @gsi_of_pin: for irq_acked(); NO_GSI when none
 * @first: targets of GSI n are @target[@first[n]] up to @first[n + 1]
 * @target: sorted by GSI
 */
struct irq_table {
	struct rcu_head rcu;
	u16 gsi_of_pin[NR_CHIPS][VIOAPIC_NR_PINS];
	u16 first[NR_GSIS + 1];
	struct irq_target target[];
};

struct irq_route_state {
	struct irq_table __rcu *table;
};

static enum irq_result target_set(struct myhv_vm *vm, const struct irq_target *target,
				  enum irq_source source, bool level)
{
	switch (target->type) {
	case TARGET_PIC:
		return pic_set_pin(vm, target->pin, source, level);
	case TARGET_IOAPIC:
		return ioapic_set_pin(vm, target->pin, source, level);
	case TARGET_MSI:
		return level ? apic_bus_send(vm, &target->msg, NULL) : IRQ_COALESCED;
	default:
		return IRQ_MASKED;
	}
}

/**
 * irq_set() - drive a GSI
 * @vm: the VM
 * @gsi: any value
 * @source: who drives it
 * @level: the level that @source gives it
 *
 * Return: the best result of all routes; IRQ_MASKED without any.
 */
enum irq_result irq_set(struct myhv_vm *vm, u32 gsi, enum irq_source source, bool level)
{
	const struct irq_table *table;
	enum irq_result ret = IRQ_MASKED;
	unsigned int i;

	if (!vm->irq || gsi >= NR_GSIS)
		return IRQ_MASKED;
	rcu_read_lock();
	table = rcu_dereference(vm->irq->table);
	for (i = table->first[gsi]; i < table->first[gsi + 1]; i++)
		ret = max(ret, target_set(vm, &table->target[i], source, level));
	rcu_read_unlock();
	return ret;
}

int irq_line_set(struct myhv_vm *vm, u32 gsi, bool level)
{
	/* user space knows masked (-1), coalesced (0), delivered (1) */
	return max(irq_set(vm, gsi, IRQ_SOURCE_USER, level), IRQ_LATCHED);
}

void irq_acked(struct myhv_vm *vm, u32 chip, u32 pin)
{
	u16 gsi;

	rcu_read_lock();
	gsi = rcu_dereference(vm->irq->table)->gsi_of_pin[chip][pin];
	rcu_read_unlock();
	if (gsi == NO_GSI)
		return;
	if (gsi == PIT_GSI && vm->pit)
		pit_acked(vm);
	irqfd_resample(vm, gsi);
}

int irq_msi_send(struct myhv_vm *vm, const struct myhv_msi *msi)
{
	struct apic_msg msg;

	if (!apic_msg_from_msi(&msg, msi->address, msi->data))
		return -EINVAL;
	return max(apic_bus_send(vm, &msg, NULL), IRQ_COALESCED);
}

/* ---- tables ---- */

static int check_route(struct myhv_vm *vm, const struct myhv_irq_route *route)
{
	if (route->gsi >= NR_GSIS)
		return -EINVAL;
	if (route->type == MYHV_ROUTE_MSI)
		return route->msi.flags ? -EINVAL : 0;
	if (route->type != MYHV_ROUTE_IRQCHIP || vm->irqchip != MYHV_IRQCHIP_FULL)
		return -EINVAL;
	switch (route->chip) {
	case MYHV_CHIP_PIC_MASTER:
	case MYHV_CHIP_PIC_SLAVE:
		return route->pin < 8 ? 0 : -EINVAL;
	case MYHV_CHIP_IOAPIC:
		return route->pin < VIOAPIC_NR_PINS ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static struct irq_target decode_route(const struct myhv_irq_route *route)
{
	struct irq_target target = { .type = TARGET_NOTHING };

	if (route->type == MYHV_ROUTE_MSI) {
		/* a device not yet programmed routes to rubbish: that reaches nobody */
		if (apic_msg_from_msi(&target.msg, route->msi.address, route->msi.data))
			target.type = TARGET_MSI;
	} else if (route->chip == MYHV_CHIP_IOAPIC) {
		target.type = TARGET_IOAPIC;
		target.pin = route->pin;
	} else {
		target.type = TARGET_PIC;
		target.pin = route->chip * 8 + route->pin;
	}
	return target;
}

static struct irq_table *table_build(const struct myhv_irq_route *routes, u32 count)
{
	struct irq_table *table;
	u32 gsi, i;

	table = kvzalloc(struct_size(table, target, count), GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	memset(table->gsi_of_pin, 0xff, sizeof(table->gsi_of_pin));
	/* counting sort: sizes, then ends, which filling turns into starts */
	for (i = 0; i < count; i++)
		table->first[routes[i].gsi]++;
	for (gsi = 1; gsi <= NR_GSIS; gsi++)
		table->first[gsi] += table->first[gsi - 1];
	for (i = count; i--;) {
		table->target[--table->first[routes[i].gsi]] = decode_route(&routes[i]);
		if (routes[i].type == MYHV_ROUTE_IRQCHIP)
			table->gsi_of_pin[routes[i].chip][routes[i].pin] = routes[i].gsi;
	}
	return table;
}

/**
 * irq_routes_set() - replace the table
 * @vm: the VM
 * @routes: the new entries, in kernel memory
 * @count: how many, at most MYHV_MAX_IRQ_ROUTES
 *
 * An interrupt under way may still take its old route.
 * Return: 0, -EINVAL, -ENOMEM.
 */
int irq_routes_set(struct myhv_vm *vm, const struct myhv_irq_route *routes, u32 count)
{
	struct irq_table *table;
	u32 i;
	int ret;

	for (i = 0; i < count; i++) {
		ret = check_route(vm, &routes[i]);
		if (ret)
			return ret;
	}
	table = table_build(routes, count);
	if (!table)
		return -ENOMEM;
	table = unrcu_pointer(xchg(&vm->irq->table, RCU_INITIALIZER(table)));
	kvfree_rcu(table, rcu);
	return 0;
}

/* GSI n leads to IOAPIC pin n and, below 16, to the PICs; the PIT's GSI 0 to pin 2. */
static u32 default_routes(struct myhv_irq_route *routes)
{
	u32 count = 0, gsi;

	for (gsi = 0; gsi < VIOAPIC_NR_PINS; gsi++) {
		if (gsi < VPIC_NR_LINES)
			routes[count++] = (struct myhv_irq_route){
				.gsi = gsi,
				.type = MYHV_ROUTE_IRQCHIP,
				.chip = gsi < 8 ? MYHV_CHIP_PIC_MASTER : MYHV_CHIP_PIC_SLAVE,
				.pin = gsi & 7,
			};
		if (gsi != 2)
			routes[count++] = (struct myhv_irq_route){
				.gsi = gsi,
				.type = MYHV_ROUTE_IRQCHIP,
				.chip = MYHV_CHIP_IOAPIC,
				.pin = gsi ?: 2,
			};
	}
	return count;
}

int irq_routes_create(struct myhv_vm *vm)
{
	struct myhv_irq_route *routes;
	struct irq_route_state *irq;
	struct irq_table *table;
	u32 count = 0;

	irq = kzalloc(sizeof(*irq), GFP_KERNEL_ACCOUNT);
	routes = kcalloc(VPIC_NR_LINES + VIOAPIC_NR_PINS, sizeof(*routes), GFP_KERNEL);
	if (!irq || !routes)
		goto err;
	if (vm->irqchip == MYHV_IRQCHIP_FULL)
		count = default_routes(routes);
	table = table_build(routes, count);
	if (!table)
		goto err;
	RCU_INIT_POINTER(irq->table, table);
	/* pairs with the address dependency of who finds it, in calls beside this one */
	smp_store_release(&vm->irq, irq);
	kfree(routes);
	return 0;

err:
	kfree(routes);
	kfree(irq);
	return -ENOMEM;
}

/* Nobody drives a line any more. */
void irq_routes_destroy(struct myhv_vm *vm)
{
	if (!vm->irq)
		return;
	kvfree(rcu_dereference_protected(vm->irq->table, true));
	kfree(vm->irq);
	vm->irq = NULL;
}
