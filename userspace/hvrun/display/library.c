// SPDX-License-Identifier: GPL-2.0-or-later
/* Libraries on demand: see library.h. */
#include <dlfcn.h>
#include <string.h>

#include "display/library.h"

void *library_load(const char *file, const char *package, const struct library_symbol *symbols,
		   size_t count, void *table, struct error *err)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		error_set(err, "this display needs %s, from the package '%s'", file, package);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		void *function = dlsym(library, symbols[i].name);

		if (!function) {
			error_set(err, "%s has no %s: is it another version?", file,
				  symbols[i].name);
			dlclose(library);
			return NULL;
		}
		memcpy((char *)table + symbols[i].offset, &function, sizeof(function));
	}
	return library;
}
