// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for qemu that counts how often each instruction of the guest is
 * executed while the benchmark measures, that is between the marks which
 * begin() and end() of bench.c leave. Writes to the file it is given, for each
 * side of each case:
 *
 *   side N
 *   ADDRESS COUNT
 *   ...
 *
 * For one virtual processor (scripts/guest --icount).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

/* The version in which callbacks got the argument data, the least that qemu 11.1 takes. */
int qemu_plugin_version = 7;

/* A run of instructions that qemu translated at once. */
struct block {
	struct block *next;
	uint64_t count;
	size_t length;
	uint64_t addresses[];
};

static struct block *blocks;
static bool counting;
static unsigned int sides;
static FILE *out;

static void executed(unsigned int cpu, void *data)
{
	(void)cpu;
	if (counting)
		((struct block *)data)->count++;
}

static void write_out(void)
{
	fprintf(out, "side %u\n", sides);
	for (struct block *block = blocks; block; block = block->next) {
		for (size_t i = 0; block->count && i < block->length; i++)
			fprintf(out, "%lx %lu\n", block->addresses[i], block->count);
		block->count = 0;
	}
	fflush(out);
}

static void marked(unsigned int cpu, void *data)
{
	(void)cpu;
	switch ((uintptr_t)data) {
	case 1:
		counting = true;
		break;
	case 2:
		counting = false;
		break;
	case 3:
		if (sides)
			write_out();
		sides++;
		counting = false;
	}
}

/* The number of a mark: nopl 0x7a78NNNN(%rax,%rax,1); 0 for any other instruction. */
static uintptr_t mark_of(const struct qemu_plugin_insn *insn)
{
	static const uint8_t opcode[] = { 0x0f, 0x1f, 0x84, 0x00 };
	uint8_t bytes[8];

	if (qemu_plugin_insn_size(insn) != sizeof(bytes) ||
	    qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) != sizeof(bytes) ||
	    memcmp(bytes, opcode, sizeof(opcode)) || bytes[7] != 0x7a || bytes[6] != 0x78)
		return 0;
	return bytes[5] << 8 | bytes[4];
}

static void translated(struct qemu_plugin_tb *tb, void *data)
{
	size_t length = qemu_plugin_tb_n_insns(tb);
	struct block *block = calloc(1, sizeof(*block) + length * sizeof(uint64_t));

	(void)data;
	if (!block)
		abort();
	block->length = length;
	for (size_t i = 0; i < length; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uintptr_t mark = mark_of(insn);

		block->addresses[i] = qemu_plugin_insn_vaddr(insn);
		if (mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, 0, (void *)mark);
	}
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, block);
}

static void finished(void *data)
{
	(void)data;
	write_out();
	fclose(out);
}

/* The one argument is out=FILE. */
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	out = fopen(argv[0] + 4, "w");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated, NULL);
	qemu_plugin_register_atexit_cb(id, finished, NULL);
	return 0;
}
