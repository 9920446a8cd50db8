/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which descriptors are ours. Looking one up takes no lock and allocates nothing, since every
 * KVM_RUN does it.
 */
#ifndef SHIM_FD_MAP_H
#define SHIM_FD_MAP_H

#include "shim.h"

/* The object behind @fd with a reference, or NULL. */
struct object *fd_get(int fd);
void object_get(struct object *o);
void object_put(struct object *o);
/* A new object with one reference, or NULL. */
struct object *object_new(enum shim_kind kind);

/* It belongs to its VM from now on. */
void vcpu_link(struct vcpu *vcpu);

/* @fd stands for @o from now on (takes a reference of its own). -EMFILE, -ENOMEM */
int fd_assign(int fd, struct object *o);
void fd_clear(int fd);
void fd_clear_range(unsigned int first, unsigned int last);

#endif /* SHIM_FD_MAP_H */
