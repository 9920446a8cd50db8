/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness calls: numbers for PORT_CALL. */
#ifndef GUEST_CALLS_H
#define GUEST_CALLS_H

/* The memory-like device: accesses since the last call, reads in bits 15:0 */
#define CALL_MMIO_COUNTS 1
/* Its last access: size, write << 8, offset << 16 */
#define CALL_MMIO_LAST 2
/* PORT_SUM: the sum; the number of elements, which starts both anew */
#define CALL_SUM 3
#define CALL_SUM_COUNT 4
/* Interrupts: vector (by the test, when the guest is ready), gsi | level << 16, MSI's data */
#define CALL_INTERRUPT 5
#define CALL_IRQ_LINE 6
#define CALL_MSI 7
#define CALL_NMI 8
/* Sleep for so many milliseconds outside of the guest; tells the true time in us */
#define CALL_SLEEP 9
/* 1 when the processor below is QEMU's TCG, which leaves out what no system needs */
#define CALL_IS_TCG 10
/* 1 when the tests run on KVM, which does not know every instruction */
#define CALL_IS_KVM 11
/* Of the test alone */
#define CALL_TEST 0x100

#endif /* GUEST_CALLS_H */
