/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the processor's page tables say of a page: of the kernel's own mapping
 * of all memory and of this process. Read by root from /proc/kcore, with the
 * address of this process's table from a probe. x86-64 only.
 */
#ifndef _PAGE_TABLE_H
#define _PAGE_TABLE_H

#include <elf.h>
#include <linux/kernel-page-flags.h>

#include "linux_test.h"

#define TRACING		"/sys/kernel/tracing/"
#define ADDRESS_BITS	0x000ffffffffff000ULL
#define KPF_ARCH	38	/* PG_arch_1: the kernel notes WC here */
#define KPF_ARCH_2	41	/* PG_arch_2: and UC- here */

/* In this order Linux numbers them for the processor, too. */
enum attribute { WRITE_BACK, WRITE_COMBINING, UNCACHED, STRONG_UC, NO_ATTRIBUTE };

static int kcore = -1;
static Elf64_Phdr *segments;
static size_t segment_count;

static bool open_kcore(void)
{
	Elf64_Ehdr head;
	size_t bytes;

	if (kcore >= 0)
		return true;
	kcore = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (kcore < 0 || pread(kcore, &head, sizeof(head), 0) != sizeof(head))
		return false;
	segment_count = head.e_phnum;
	bytes = segment_count * sizeof(*segments);
	segments = malloc(bytes);
	return segments && pread(kcore, segments, bytes, head.e_phoff) == (ssize_t)bytes;
}

/* 0 if it cannot be read; no table of interest is all zeros. */
static uint64_t kernel_word(uint64_t address)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < segment_count; i++) {
		const Elf64_Phdr *at = &segments[i];

		if (at->p_type != PT_LOAD || address < at->p_vaddr ||
		    address - at->p_vaddr >= at->p_memsz)
			continue;
		if (pread(kcore, &word, 8, at->p_offset + (address - at->p_vaddr)) == 8)
			return word;
	}
	return 0;
}

/* Where the kernel maps a physical address. */
static uint64_t direct_map(uint64_t physical)
{
	size_t i;

	for (i = 0; i < segment_count; i++) {
		const Elf64_Phdr *at = &segments[i];

		/* Ranges that are not memory have no physical address. */
		if (at->p_type == PT_LOAD && at->p_paddr && at->p_paddr + 1 &&
		    physical >= at->p_paddr && physical - at->p_paddr < at->p_memsz)
			return at->p_vaddr + (physical - at->p_paddr);
	}
	return 0;
}

static enum attribute entry_attribute(uint64_t entry, bool large)
{
	unsigned int index = (entry >> 3 & 3) | (entry >> (large ? 12 : 7) & 1) << 2;

	return index < NO_ATTRIBUTE ? (enum attribute)index : NO_ATTRIBUTE;
}

/* Walk the table at a kernel address; *physical is where it leads. */
static enum attribute walk(uint64_t table, uint64_t address, uint64_t *physical)
{
	/* With five levels the kernel's half begins lower. */
	int shift = direct_map(1 << 20) < 0xffff800000000000ULL ? 48 : 39;
	uint64_t entry;

	for (; table; shift -= 9) {
		bool large;

		entry = kernel_word(table + (address >> shift & 511) * 8);
		if (!(entry & 1))
			break;
		large = shift > 12 && shift < 39 && entry & 0x80;
		if (large || shift == 12) {
			uint64_t mask = (1ULL << shift) - 1;

			*physical = (entry & ADDRESS_BITS & ~mask) | (address & mask);
			return entry_attribute(entry, large);
		}
		table = direct_map(entry & ADDRESS_BITS);
	}
	return NO_ATTRIBUTE;
}

static bool write_file(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/*
 * The kernel's address of this process's table, found by a fault; or 0. Its
 * upper half is the same in all processes: the kernel's own mappings.
 */
static uint64_t own_table(void)
{
	unsigned char *page = anon_pages(1, PROT_READ | PROT_WRITE);
	unsigned long long pgd = 0;
	char line[512], *value;
	FILE *trace;

	write_file(TRACING "trace", "", O_TRUNC);
	if (!write_file(TRACING "kprobe_events",
			"p:zxvmo_test/pgd handle_mm_fault pgd=vma->vm_mm->pgd\n", O_APPEND))
		return 0;
	snprintf(line, sizeof(line), "common_pid == %d", getpid());
	write_file(TRACING "events/zxvmo_test/pgd/filter", line, 0);
	write_file(TRACING "events/zxvmo_test/pgd/enable", "1", 0);
	page[0] = 1;
	write_file(TRACING "events/zxvmo_test/pgd/enable", "0", 0);
	trace = fopen(TRACING "trace", "re");
	while (trace && fgets(line, sizeof(line), trace)) {
		value = strstr(line, "pgd=");
		if (value)
			pgd = strtoull(value + 4, NULL, 0);
	}
	if (trace)
		fclose(trace);
	write_file(TRACING "kprobe_events", "-:zxvmo_test/pgd\n", O_APPEND);
	write_file(TRACING "trace", "", O_TRUNC);
	munmap(page, PAGE);
	return pgd;
}

/* The physical address of what is mapped here, or 0. */
static uint64_t physical_of(const void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0 || pread(fd, &entry, 8, (unsigned long)at / PAGE * 8) != 8)
		entry = 0;
	close(fd);
	return entry >> 63 ? (entry & ((1ULL << 55) - 1)) * PAGE : 0;
}

/* What the kernel has noted for a page. */
static enum attribute noted_attribute(uint64_t physical)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t flags = 0;
	bool known = fd >= 0 && pread(fd, &flags, 8, physical / PAGE * 8) == 8;

	close(fd);
	if (!known)
		return NO_ATTRIBUTE;
	return (flags >> KPF_ARCH & 1 ? WRITE_COMBINING : 0) +
	       (flags >> KPF_ARCH_2 & 1 ? UNCACHED : 0);
}

#endif /* _PAGE_TABLE_H */
