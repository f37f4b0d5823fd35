// SPDX-License-Identifier: GPL-2.0
/*
 * VMOs that are partly in large folios, and operations at random on them, beside
 * a model: which pages are committed and what they hold.
 */
#include <sys/mman.h>

#include "large_test.h"

#define OBJECTS	6
#define FOLIOS	3
#define PAGES	(FOLIOS * LARGE_PAGES)
#define HELD	8

struct object {
	zx_handle_t vmo;
	unsigned char *at;
	/* Relatives have the same number. */
	int family;
	uint32_t value[PAGES];
	bool there[PAGES];
};

static struct object objects[OBJECTS];
static int pipes[HELD][2];
static uint64_t seed;
static uint32_t last_value;

static uint32_t random_below(uint32_t end)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 20) % end;
}

/* Aligned to what matters more often than not. */
static void random_range(size_t *first, size_t *count)
{
	static const size_t grains[] = { 1, 1, 64, 512, 512 };
	size_t grain = grains[random_below(5)];

	*first = random_below(PAGES / grain) * grain;
	*count = (1 + random_below((PAGES - *first) / grain)) * grain;
	if (random_below(3) == 0)
		*count = *count < 30 ? *count : 1 + random_below(30);
}

static void open_object(struct object *object, zx_handle_t vmo, int family)
{
	object->vmo = vmo;
	object->at = map_large(vmo, FOLIOS);
	object->family = family;
	if (vmo == ZX_HANDLE_INVALID || !object->at)
		abort();
}

static void make(struct object *object)
{
	static int family;

	memset(object, 0, sizeof(*object));
	open_object(object, new_vmo(PAGES * PAGE, ZX_VMO_RESIZABLE), ++family);
}

static void close_object(struct object *object)
{
	zx_handle_close(object->vmo);
	munmap(object->at, PAGES * PAGE);
	object->vmo = ZX_HANDLE_INVALID;
}

static bool has_relatives(const struct object *object)
{
	int i, members = 0;

	for (i = 0; i < OBJECTS; i++)
		members += objects[i].vmo && objects[i].family == object->family;
	return members > 1;
}

static void snapshot(struct object *from, struct object *to)
{
	size_t first = random_below(3) ? 0 : random_below(2) ? 64 : random_below(700);
	size_t count = PAGES - first, i;
	zx_handle_t vmo;

	memset(to, 0, sizeof(*to));
	for (i = 0; i < count; i++) {
		to->value[i] = from->value[first + i];
		to->there[i] = from->there[first + i];
	}
	vmo = new_child(from->vmo, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE,
			first * PAGE, PAGES * PAGE);
	open_object(to, vmo, from->family);
}

static zx_status_t commit(struct object *object, size_t first, size_t count)
{
	zx_status_t status = op_range(object->vmo, ZX_VMO_OP_COMMIT, first * PAGE, count * PAGE);

	memset(object->there + first, true, count);
	return status;
}

static void forget(struct object *object, size_t first, size_t count)
{
	memset(object->there + first, 0, count);
	memset(object->value + first, 0, count * sizeof(uint32_t));
}

static zx_status_t take_away(struct object *object, size_t first, size_t count)
{
	uint32_t how = random_below(3);

	if (how == 0 && !has_relatives(object)) {
		forget(object, first, count);
		return op_range(object->vmo, ZX_VMO_OP_DECOMMIT, first * PAGE, count * PAGE);
	}
	if (how == 1) {
		zx_status_t status = zx_vmo_set_size(object->vmo, first * PAGE);

		forget(object, first, PAGES - first);
		return status ? status : zx_vmo_set_size(object->vmo, PAGES * PAGE);
	}
	forget(object, first, count);
	return op_range(object->vmo, ZX_VMO_OP_ZERO, first * PAGE, count * PAGE);
}

static zx_status_t write_pages(struct object *object, size_t first, size_t count)
{
	bool mapped = random_below(2);
	zx_status_t status = ZX_OK;

	for (count += first; first < count && !status; first += 1 + random_below(40)) {
		object->value[first] = ++last_value;
		object->there[first] = true;
		if (mapped)
			*word_of(object->at, first) = last_value;
		else
			status = zx_vmo_write(object->vmo, &last_value, first * PAGE, 4);
	}
	return status;
}

static zx_status_t transfer(struct object *to, struct object *from, size_t first, size_t count)
{
	size_t at = random_below(2) ? first : random_below(PAGES - count + 1), i;
	static uint32_t value[PAGES];
	static bool there[PAGES];

	memcpy(value, from->value + first, count * sizeof(*value));
	memcpy(there, from->there + first, count);
	if (to != from || at != first) {
		forget(from, first, count);
		for (i = 0; i < count; i++) {
			to->value[at + i] = value[i];
			to->there[at + i] = there[i];
		}
	}
	return zx_vmo_transfer_data(to->vmo, 0, at * PAGE, count * PAGE, from->vmo, first * PAGE);
}

/* Something else has a reference to a page for a while. */
static void hold(struct object *object, size_t page)
{
	int *pipe_fds = pipes[random_below(HELD)];
	struct iovec iov = { .iov_base = object->at + page * PAGE, .iov_len = 4 };
	uint32_t value;

	if (read(pipe_fds[0], &value, 4) != 4)
		vmsplice(pipe_fds[1], &iov, 1, 0);
}

static void disturb_mapping(struct object *object, size_t first, size_t count)
{
	unsigned char *at = object->at + first * PAGE;

	switch (random_below(4)) {
	case 0:
		madvise(at, count * PAGE, MADV_DONTNEED);
		break;
	case 1:
		mprotect(at, count * PAGE, PROT_READ);
		mprotect(at, count * PAGE, PROT_READ | PROT_WRITE);
		break;
	case 2:
		madvise(at, count * PAGE, MADV_COLD);
		break;
	default:
		munmap(object->at, PAGES * PAGE);
		object->at = map_large(object->vmo, FOLIOS);
	}
}

static int check(struct object *object, bool whole)
{
	size_t i, pages = 0, step = whole ? 1 : 61;
	uint64_t found = committed(object->vmo);
	uint32_t seen;

	for (i = 0; i < PAGES; i++)
		pages += object->there[i];
	if (found != pages * PAGE) {
		fprintf(stderr, "# %zu pages committed, not %zu\n", (size_t)found / PAGE, pages);
		return 1;
	}
	for (i = whole ? 0 : random_below(61); i < PAGES; i += step) {
		seen = random_below(2) ? *word_of(object->at, i) : page_value(object->vmo, i);
		if (seen != object->value[i]) {
			fprintf(stderr, "# page %zu has %u, not %u\n", i, seen, object->value[i]);
			return 1;
		}
	}
	return 0;
}

static zx_status_t step(void)
{
	struct object *object = &objects[random_below(OBJECTS)];
	struct object *other = &objects[random_below(OBJECTS)];
	size_t first, count;

	random_range(&first, &count);
	if (!object->vmo) {
		make(object);
		return commit(object, 0, PAGES);
	}
	switch (random_below(16)) {
	case 0: case 1: case 2:
		return commit(object, first, count);
	case 3: case 4: case 5: case 6:
		return write_pages(object, first, count);
	case 7: case 8:
		return take_away(object, first, count);
	case 9: case 10:
		if (!other->vmo)
			snapshot(object, other);
		return ZX_OK;
	case 11:
		close_object(object);
		return ZX_OK;
	case 12: case 13:
		return other->vmo ? transfer(other, object, first, count) : ZX_OK;
	case 14:
		hold(object, first);
		return ZX_OK;
	default:
		disturb_mapping(object, first, count);
		return ZX_OK;
	}
}

static int play(void *arg)
{
	int rounds, i;

	seed = (uintptr_t)arg * 0x9e3779b97f4a7c15ULL + 1;
	for (i = 0; i < HELD; i++)
		HOLDS(!pipe2(pipes[i], O_NONBLOCK));
	for (rounds = 0; rounds < 250; rounds++) {
		zx_status_t status = step();

		if (status)
			fprintf(stderr, "# seed %zu, step %d: status %d\n", (size_t)arg, rounds, status);
		HOLDS(!status);
		for (i = 0; i < OBJECTS; i++) {
			if (!objects[i].vmo || !check(&objects[i], rounds % 25 == 24))
				continue;
			fprintf(stderr, "# seed %zu, step %d, object %d\n", (size_t)arg, rounds, i);
			return 1;
		}
	}
	return 0;
}

TEST(operations_at_random)
{
	size_t first = getenv("SEED") ? strtoul(getenv("SEED"), NULL, 10) : 1, i;
	size_t games = getenv("GAMES") ? strtoul(getenv("GAMES"), NULL, 10) : 3;

	for (i = first; i < first + games; i++)
		ASSERT_EQ(0, in_child(play, (void *)i));
}

TEST_HARNESS_MAIN
