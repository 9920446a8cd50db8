// SPDX-License-Identifier: GPL-2.0-or-later
/* The box for reset and power-off requests: see power.h. */
#include "log.h"
#include "power.h"

void power_request(struct power *power, enum power_request request, const char *who)
{
	int old = atomic_load(&power->request);

	log_line(LOG_RESET, "request %d by %s", request, who);
	while (old < (int)request)
		if (atomic_compare_exchange_weak(&power->request, &old, request))
			break;
	if (power->wake)
		power->wake(power->context);
}
