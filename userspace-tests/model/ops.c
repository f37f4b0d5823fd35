// SPDX-License-Identifier: GPL-2.0
/* Operations as text. */
#include <ctype.h>

#include "model.h"

const struct op_type op_types[OP_KINDS] = {
	[OP_CREATE] = { "create", { "out", "options", "size", "bad" }, 4 },
	[OP_CHILD] = { "child", { "vmo", "out", "options", "offset", "size" }, 14 },
	[OP_READ] = { "read", { "vmo", "offset", "size", "buffer" }, 4 },
	[OP_WRITE] = { "write", { "vmo", "offset", "size", "value" }, 14 },
	[OP_GET_SIZE] = { "get_size", { "vmo" }, 1 },
	[OP_GET_STREAM] = { "get_stream_size", { "vmo" }, 1 },
	[OP_SET_SIZE] = { "set_size", { "vmo", "size" }, 6 },
	[OP_SET_STREAM] = { "set_stream_size", { "vmo", "size" }, 4 },
	[OP_RANGE] = { "range", { "vmo", "op", "offset", "size", "buffer" }, 16 },
	[OP_DUPLICATE] = { "duplicate", { "handle", "out", "rights" }, 5 },
	[OP_REPLACE] = { "replace", { "handle", "out", "rights" }, 3 },
	[OP_CLOSE] = { "close", { "handle" }, 10 },
	[OP_MAP] = { "map", { "vmo", "map", "options", "place", "offset", "size" }, 10 },
	[OP_UNMAP] = { "unmap", { "map", "first", "count" }, 6 },
	[OP_PROTECT] = { "protect", { "map", "options", "first", "count" }, 4 },
	[OP_LOAD] = { "load", { "map", "page" }, 10 },
	[OP_STORE] = { "store", { "map", "offset", "value", "further" }, 14 },
	[OP_GET_PROPERTY] = { "get_property", { "handle", "property", "size" }, 1 },
	[OP_SET_PROPERTY] = { "set_property", { "handle", "property", "size", "value" }, 4 },
	[OP_SIGNAL] = { "signal", { "handle", "clear", "set" }, 2 },
	[OP_WAIT] = { "wait", { "handle", "signals", "past" }, 1 },
	[OP_INFO] = { "info", { "handle", "topic", "size" }, 3 },
	[OP_PRIVATE] = { "private", { "vmo", "map", "offset", "size" }, 2 },
	[OP_COPY_IN] = { "copy_in", { "vmo", "map", "at", "offset", "size" }, 3 },
	[OP_COPY_OUT] = { "copy_out", { "vmo", "map", "at", "offset", "size" }, 3 },
	[OP_TRANSFER] = { "transfer",
			  { "to", "options", "offset", "size", "from", "from_offset" }, 10 },
	[OP_RECLAIM] = { "reclaim", { "times" }, 4 },
	[OP_STREAM] = { "stream", { "vmo", "out", "options", "seek" }, 4 },
	[OP_STREAM_READ] = { "stream_read",
			     { "stream", "how", "options", "offset", "size", "cut" }, 5 },
	[OP_STREAM_WRITE] = { "stream_write",
			      { "stream", "how", "options", "offset", "size", "cut" }, 8 },
	[OP_STREAM_SEEK] = { "stream_seek", { "stream", "whence", "offset" }, 4 },
	[OP_STREAM_APPEND] = { "stream_append", { "stream", "append" }, 1 },
	[OP_STREAM_DUPLICATE] = { "stream_duplicate", { "stream", "out", "rights" }, 1 },
	[OP_STREAM_CLOSE] = { "stream_close", { "stream" }, 2 },
	[OP_POLICY] = { "policy", { "vmo", "policy" }, 5 },
	[OP_EXECUTABLE] = { "executable", { "handle", "out", "resource" }, 2 },
	[OP_REGION] = { "region", { "map", "op", "first", "count" }, 5 },
};

void print_op(FILE *file, const struct op *op)
{
	unsigned int i;

	fprintf(file, "%s", op_types[op->kind].name);
	for (i = 0; i < OP_ARGS && op_types[op->kind].args[i]; i++)
		fprintf(file, op->arg[i] < 100 ? " %s=%llu" : " %s=0x%llx",
			op_types[op->kind].args[i], (unsigned long long)op->arg[i]);
	fprintf(file, "\n");
}

/* False for a line that is none, such as a comment. */
bool parse_op(const char *line, struct op *op)
{
	char key[32];
	unsigned int i;
	const char *at;

	while (*line == '#' || isspace(*line))
		line++;
	memset(op, 0, sizeof(*op));
	for (op->kind = 0; op->kind < OP_KINDS; op->kind++) {
		size_t len = strlen(op_types[op->kind].name);

		if (!strncmp(line, op_types[op->kind].name, len) && line[len] == ' ')
			break;
	}
	if (op->kind == OP_KINDS)
		return false;
	for (i = 0; i < OP_ARGS && op_types[op->kind].args[i]; i++) {
		snprintf(key, sizeof(key), " %s=", op_types[op->kind].args[i]);
		at = strstr(line, key);
		if (!at)
			return false;
		op->arg[i] = strtoull(at + strlen(key), NULL, 0);
	}
	return true;
}
