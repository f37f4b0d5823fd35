// SPDX-License-Identifier: GPL-2.0
/* What the cases ask the machine for, and the names of sizes and cases. */
#include <stdarg.h>

#include "bench.h"

uint64_t number_in(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	uint64_t number = ~0ULL;
	char line[512];

	if (!file)
		return number;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key))) {
			number = strtoull(line + strlen(key), NULL, 10);
			break;
		}
	fclose(file);
	return number;
}

bool put_in(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

size_t fitting(size_t wanted, double copies)
{
	uint64_t available = number_in("/proc/meminfo", "MemAvailable:");
	size_t size = wanted;

	if (available == ~0ULL)
		return wanted;
	while (size > 4 * MIB && size * copies > available * 1024.0 * 0.93)
		size /= 2;
	return size;
}

const char *size_name(size_t size)
{
	static char names[8][24];
	static unsigned int next;
	char *name = names[next++ % 8];

	if (size >= GIB && size % GIB == 0)
		snprintf(name, sizeof(names[0]), "%lu GiB", size / GIB);
	else if (size >= MIB)
		snprintf(name, sizeof(names[0]), "%lu MiB", size / MIB);
	else
		snprintf(name, sizeof(names[0]), "%lu KiB", size / KIB);
	return name;
}

const char *case_name(const char *format, ...)
{
	va_list args;
	char *name;
	int length;

	va_start(args, format);
	length = vasprintf(&name, format, args);
	va_end(args);
	return length < 0 ? "?" : name;
}
