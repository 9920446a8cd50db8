// SPDX-License-Identifier: GPL-2.0-or-later
/* Formats by their signatures: see image_probe.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backend/image_lock.h"
#include "backend/image_probe.h"

struct signature {
	const char *format;
	unsigned int offset;
	unsigned int bytes;
	const char *text;
};

static const struct signature signatures[] = {
	{ "qcow2", 0, 4, "QFI\xfb" },
	{ "qed", 0, 4, "QED\0" },
	{ "vmdk", 0, 4, "KDMV" },
	{ "vmdk", 0, 4, "COWD" },
	{ "vmdk", 0, 21, "# Disk DescriptorFile" },
	{ "vdi", 64, 4, "\x7f\x10\xda\xbe" },
	{ "vhdx", 0, 8, "vhdxfile" },
	{ "vpc", 0, 8, "conectix" },
	{ "parallels", 0, 16, "WithoutFreeSpace" },
	{ "parallels", 0, 16, "WithouFreSpacExt" },
	{ "luks", 0, 6, "LUKS\xba\xbe" },
	{ "bochs", 0, 18, "Bochs Virtual HD I" },
};

const char *image_probe(const uint8_t *head, size_t bytes)
{
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		const struct signature *s = &signatures[i];

		if (s->offset + s->bytes <= bytes && !memcmp(head + s->offset, s->text, s->bytes))
			return s->format;
	}
	return "raw";
}

int image_probe_file(const char *path, const char **format, struct error *err)
{
	int fd = image_open(path, O_RDONLY);
	uint8_t head[512];
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return error_set(err,
				 "cannot open %s: no such file; 'qemu-img create -f raw %s 10G' "
				 "makes an empty disk",
				 path, path);
	if (fd < 0)
		return error_set(err, "cannot open %s: %s", path, strerror(errno));
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0 && errno == EISDIR)
		error_set(err, "%s is a directory; a disk image or a block device is wanted", path);
	else if (n < 0 && errno == ESPIPE)
		error_set(err, "%s is neither a file nor a block device", path);
	else if (n < 0)
		error_set(err, "cannot read %s: %s", path, strerror(errno));
	close(fd);
	if (n < 0)
		return -1;
	*format = image_probe(head, n);
	return 0;
}
