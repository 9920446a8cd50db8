/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may use an image: one writer, or any number of readers. The locks are open file
 * description locks on the bytes that QEMU uses, so QEMU, qemu-img and hvrun see each other's.
 */
#ifndef HVRUN_IMAGE_LOCK_H
#define HVRUN_IMAGE_LOCK_H

#include <stdbool.h>

#include "error.h"

/**
 * image_open() - open(2) without waiting, but for a lease
 * @path: the image; a fifo does not hang us
 * @flags: O_RDONLY or O_RDWR, perhaps O_DIRECT
 *
 * Somebody may have a lease of the file, as an NFS server's client has (a delegation): to ask for
 * it starts its recall, which takes a moment, and a minute at most ("lease-break-time").
 * Return: a descriptor, closed on exec, or -1 with errno.
 */
int image_open(const char *path, int flags);

/**
 * image_lock() - hold @path, open as @fd, until @fd is closed
 * @fd: open for reading at least
 * @path: for the message
 * @is_writer: nobody else may use it; else nobody may write to it
 *
 * Return: 0, or -1 with @err, which names the holder when it can be found. A file system without
 * locks is no error.
 */
int image_lock(int fd, const char *path, bool is_writer, struct error *err);

/** image_lock_test() - as image_lock(), but holds nothing */
int image_lock_test(int fd, const char *path, bool is_writer, struct error *err);

#endif /* HVRUN_IMAGE_LOCK_H */
