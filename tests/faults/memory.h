/* SPDX-License-Identifier: MIT */
#pragma once

/* What the shim that counts allocations shares with all that its program forks, and
 * shows. */

#define MEMORY_VARIABLE "FAULT_MEMORY"   /* number of the allocation that fails; or */
#define MEMORY_COUNT    0UL              /* none does */
#define MEMORY_LIST     (~0UL)           /* likewise, and ways are told apart */
#define MEMORY_ADDRESS  0x500000000000UL /* where it is in each program */
#define MEMORY_DEPTH    24
#define MEMORY_WAYS     8192

/* Where the kernel puts a program where it chooses nothing by chance; its size at most.
 */
#define PROGRAM_ADDRESS 0x555555554000UL
#define PROGRAM_BYTES   (64UL << 20)
#define PROGRAM_CALLS   5 /* of it that tell ways apart: the innermost ones */

struct memory {
	unsigned long count;
	unsigned long ways;
	void *failed[MEMORY_DEPTH];  /* return addresses of the functions that led to the
					one that failed */
	unsigned first[MEMORY_WAYS]; /* number of the first allocation on this way of
					calls */
	unsigned hash[MEMORY_WAYS];  /* of the way */
};
