// SPDX-License-Identifier: GPL-2.0
/* Mappings and accesses through them, in both families. */
#include <signal.h>
#include <sys/mman.h>

#include "model.h"

void do_map(u64 slot, u64 number, u32 options, u64 place, u64 offset, u64 len)
{
	const u32 fixed = ZX_VM_SPECIFIC | ZX_VM_SPECIFIC_OVERWRITE;
	zx_status_t want = want_map(slot, options, place, offset, len);
	struct map *map = &maps[number % MAPS];
	zx_vaddr_t at = 0;
	u32 align = options >> ZX_VM_ALIGN_BASE;
	u64 i;

	if (map->object)
		return;
	/* Places are not modelled, so such a mapping must not come about. */
	if (!(options & fixed) != !(options & ZX_VM_OFFSET_IS_UPPER_LIMIT))
		return;
	if (!want && (len > MAP_PAGES * PAGE || align > 21 || offset > 1ULL << 62))
		return;
	same_status("map", want,
		    zx_vmar_map(zx_vmar_root_self(), options, place, real(slot), offset, len, &at));
	if (want)
		return;
	if (!at || at % PAGE || (align && at & ((1ULL << align) - 1)))
		differs("address", "map: address %#llx", (unsigned long long)at);
	*map = (struct map){ .object = slots[slot].object, .at = (u8 *)at, .offset = offset };
	map->bounded = options & ZX_VM_FAULT_BEYOND_STREAM_SIZE;
	map->max = slots[slot].rights >> 2 & 7;
	for (i = 0; i < round_up(len) / PAGE; i++)
		map->pages[i] = (struct map_page){ true, !i, map_prot(options), NULL, false };
	map->object->areas++;
}

static bool all_mapped(const struct map *map, u64 first, u64 count)
{
	u64 i;

	if (!map->object || !count || !in_range(first, count, MAP_PAGES))
		return false;
	for (i = first; i < first + count; i++)
		if (!map->pages[i].mapped)
			return false;
	return true;
}

static unsigned int areas_of(const struct map *map)
{
	unsigned int i, count = 0;

	for (i = 0; i < MAP_PAGES; i++)
		count += map->pages[i].mapped && map->pages[i].first;
	return count;
}

void do_unmap(u64 number, u64 first, u64 count)
{
	struct map *map = &maps[number % MAPS];
	struct object *object = map->object;
	u64 i;

	if (!all_mapped(map, first, count))
		return;
	if (map->private)
		munmap(map->at + first * PAGE, count * PAGE);
	else
		same_status("unmap", ZX_OK,
			    zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)map->at + first * PAGE,
					  count * PAGE));
	object->areas -= areas_of(map);
	for (i = first; i < first + count; i++)
		free(map->pages[i].copy);
	memset(&map->pages[first], 0, count * sizeof(map->pages[0]));
	if (first + count < MAP_PAGES)
		map->pages[first + count].first = true;
	object->areas += areas_of(map);
	if (!areas_of(map))
		map->object = NULL;
	put_object(object);
}

/* 16; the areas are those of Linux, split where permissions change. */
void do_protect(u64 number, u32 options, u64 first, u64 count)
{
	struct map *map = &maps[number % MAPS];
	u32 prot = map_prot(options);
	zx_status_t want = ZX_OK;
	u64 end = first + count, i;

	if (!all_mapped(map, first, count) || map->private)
		return;
	if (prot & ~ZX_VM_PERM_READ && !(prot & ZX_VM_PERM_READ))
		want = ZX_ERR_INVALID_ARGS;
	else if (options & ~(7 | ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED))
		want = ZX_ERR_INVALID_ARGS;
	else if (prot & ~map->max)
		want = ZX_ERR_ACCESS_DENIED;
	same_status("protect", want,
		    zx_vmar_protect(zx_vmar_root_self(), options,
				    (zx_vaddr_t)map->at + first * PAGE, count * PAGE));
	if (want)
		return;
	map->object->areas -= areas_of(map);
	if (map->pages[first].prot != prot)
		map->pages[first].first = true;
	if (end < MAP_PAGES && map->pages[end].mapped && map->pages[end].prot != prot)
		map->pages[end].first = true;
	map->object->areas += areas_of(map);
	for (i = first; i < end; i++)
		map->pages[i].prot = prot;
}

static zx_status_t want_region(const struct map *map, u32 op, u64 offset, u64 len)
{
	const u8 both = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;

	switch (op) {
	case ZX_VMAR_OP_COMMIT:
	case ZX_VMAR_OP_DECOMMIT:
	case ZX_VMAR_OP_ZERO:
		/* Nothing can be made writable that cannot be made readable (16). */
		if ((map->max & both) != both)
			return ZX_ERR_ACCESS_DENIED;
		break;
	case ZX_VMAR_OP_PREFETCH:
		if (!(map->max & ZX_VM_PERM_READ))
			return ZX_ERR_ACCESS_DENIED;
		break;
	case ZX_VMAR_OP_MAP_RANGE:
	case ZX_VMAR_OP_DONT_NEED:
	case ZX_VMAR_OP_ALWAYS_NEED:
		return ZX_OK;
	default:
		return ZX_ERR_INVALID_ARGS;
	}
	return want_part(map->object, op, offset, len);
}

/* 17: area by area; what was done before one that fails stays done. */
void do_region(u64 number, u32 op, u64 first, u64 count)
{
	struct map *map = &maps[number % MAPS];
	zx_status_t want = ZX_OK, seen;
	u64 end = first + count, next, offset, len;

	if (!all_mapped(map, first, count) || map->private ||
	    !has_room(map->object, map->offset + first * PAGE, count * PAGE))
		return;
	seen = zx_vmar_op_range(zx_vmar_root_self(), op, (zx_vaddr_t)map->at + first * PAGE,
				count * PAGE, NULL, 0);
	for (; first < end && !want; first = next) {
		for (next = first + 1; next < end && !map->pages[next].first; next++)
			;
		offset = map->offset + first * PAGE;
		len = (next - first) * PAGE;
		want = want_region(map, op, offset, len);
		if (!want && op != ZX_VMAR_OP_MAP_RANGE)
			change_part(map->object, op, offset, len);
	}
	same_status("vmar_op_range", want, seen);
}

/* 14: 0 or the signal */
static int want_access(const struct map *map, u64 page, u32 prot)
{
	u64 end;

	if ((map->pages[page].prot & prot) != prot)
		return SIGSEGV;
	/* A private copy is nobody else's. */
	if (map->object->store->discarded && !map->pages[page].copy)
		return SIGBUS;
	end = map->bounded ? round_up(*stream_of(map->object)) : size_of(map->object);
	return map->offset + page * PAGE < end ? 0 : SIGBUS;
}

/* What a load shows. */
static void expect_page(const struct map *map, u64 page)
{
	if (map->pages[page].copy)
		memcpy(expected, map->pages[page].copy, PAGE);
	else
		expect_bytes(map->object, map->offset + page * PAGE, PAGE);
}

static void load_page(const struct map *map, u64 page)
{
	int want = want_access(map, page, ZX_VM_PERM_READ);

	if (map->pages[page].unknown)
		return;
	/* Uncached pages of zeros are committed to be shown (docs/deviations.md). */
	if (!want && want_cached(map->object)) {
		if (!has_room(map->object, map->offset + page * PAGE, 1))
			return;
		own_page(map->object, map->offset + page * PAGE);
	}
	same("signal of a load", want, load_bytes(buffer, map->at + page * PAGE, PAGE));
	if (want)
		return;
	expect_page(map, page);
	if (memcmp(buffer, expected, PAGE))
		differs("mapped contents", "page %llu: other bytes than in the model",
			(unsigned long long)page);
}

/* One page, or all. */
void do_load(u64 number, u64 page)
{
	struct map *map = &maps[number % MAPS];
	u64 i;

	for (i = 0; i < MAP_PAGES; i++)
		if ((page >= MAP_PAGES || page == i) && all_mapped(map, i, 1))
			load_page(map, i);
}

static void store_private(struct map *map, u64 offset, const u8 *from, u64 len)
{
	struct map_page *page = &map->pages[offset / PAGE];

	if (!page->copy) {
		expect_page(map, offset / PAGE);
		page->copy = malloc(PAGE);
		if (!page->copy)
			abort();
		memcpy(page->copy, expected, PAGE);
	}
	memcpy(page->copy + offset % PAGE, from, len);
}

static void store_page(u64 number, u64 offset, u64 value)
{
	struct map *map = &maps[number % MAPS];
	u64 len = PAGE - offset % PAGE, page = offset / PAGE;
	int want;

	if (!all_mapped(map, page, 1) || map->pages[page].unknown)
		return;
	want = want_access(map, page, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
	if (!want && !has_room(map->object, map->offset + offset, 1))
		return;
	if (len > 8)
		len = 8;
	fill(buffer, len, value);
	same("signal of a store", want, store_bytes(map->at + offset, buffer, len));
	if (want)
		return;
	if (map->private && broken_rule != 4)
		store_private(map, offset, buffer, len);
	else
		write_model(map->object, map->offset + offset, buffer, len);
}

/* To one page, and to those that follow it: a run in order. */
void do_store(u64 number, u64 offset, u64 value, u64 further)
{
	u64 i;

	for (i = 0; i <= further && i < MAP_PAGES; i++)
		store_page(number, offset + i * PAGE, value);
}

/* The descriptor behind a handle, found by what the system says of it. */
static int descriptor_of(const struct slot *slot)
{
	u64 koid, rights;
	char path[64], line[128];
	FILE *file;
	int fd;

	for (fd = 3; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		file = fopen(path, "re");
		if (!file)
			continue;
		koid = 0;
		rights = -1ULL;
		while (fgets(line, sizeof(line), file)) {
			if (!strncmp(line, "zxvmo-koid:", 11))
				koid = strtoull(line + 11, NULL, 10);
			else if (!strncmp(line, "zxvmo-rights:", 13))
				rights = strtoull(line + 13, NULL, 16);
		}
		fclose(file);
		if (koid == slot->object->koid && rights == slot->rights)
			return fd;
	}
	return -1;
}

/*
 * A view of Linux: pages show what the VMO has until they are written, then a
 * copy that no call on the VMO changes (docs/deviations.md).
 */
void do_private(u64 slot, u64 number, u64 offset, u64 len)
{
	struct map *map = &maps[number % MAPS];
	u64 i;
	void *at;
	int fd;

	if (map->object || want_vmo(slot, ZX_RIGHT_MAP | ZX_RIGHT_READ) ||
	    want_cached(slots[slot].object))
		return;
	if (!len || len > MAP_PAGES * PAGE || offset % PAGE || offset > 1ULL << 62)
		return;
	fd = descriptor_of(&slots[slot]);
	if (fd < 0)
		differs("descriptor", "no descriptor of the handle in /proc/self/fdinfo");
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, offset);
	if (at == MAP_FAILED)
		differs("private", "mmap(MAP_PRIVATE): %m");
	*map = (struct map){ .object = slots[slot].object, .at = at, .offset = offset };
	map->private = true;
	for (i = 0; i < round_up(len) / PAGE; i++)
		map->pages[i] = (struct map_page){
			true, !i, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, NULL, false
		};
	map->object->areas++;
}

/* What becomes of private copies beyond the end is left open. */
void note_ends(void)
{
	unsigned int i, page;

	for (i = 0; i < MAPS; i++) {
		if (!maps[i].object || !maps[i].private)
			continue;
		for (page = 0; page < MAP_PAGES; page++)
			if (maps[i].pages[page].copy &&
			    maps[i].offset + page * PAGE >= size_of(maps[i].object))
				maps[i].pages[page].unknown = true;
	}
}

static bool overlap(u64 a, u64 b, u64 size)
{
	return a < b + size && b < a + size;
}

/*
 * A read into a mapping (out), or a write from one: the buffer may be of the
 * same VMO or of a relative (4.1). Only buffers are tried that are good.
 */
void do_copy(u64 slot, u64 number, u64 at, u64 offset, u64 size, bool out)
{
	zx_status_t want = want_transfer(slot, out ? ZX_RIGHT_READ : ZX_RIGHT_WRITE, offset, size);
	struct map *map = &maps[number % MAPS];
	struct object *object;
	zx_status_t seen;
	u64 i;

	if (want || !map->object || want_cached(map->object) || map->private || !size || !in_range(at, size, BUFFER))
		return;
	object = slots[slot].object;
	if (object->store == map->object->store &&
	    overlap(object->offset + offset, map->object->offset + map->offset + at, size))
		return;
	for (i = at / PAGE; i <= (at + size - 1) / PAGE; i++)
		if (!map->pages[i].mapped ||
		    want_access(map, i, out ? ZX_VM_PERM_WRITE : ZX_VM_PERM_READ))
			return;
	if (!has_room(out ? map->object : object, out ? map->offset + at : offset, size))
		return;
	if (out) {
		seen = zx_vmo_read(real(slot), map->at + at, offset, size);
		same_status("read into a mapping", want, seen);
		expect_bytes(object, offset, size);
		write_model(map->object, map->offset + at, expected, size);
	} else {
		seen = zx_vmo_write(real(slot), map->at + at, offset, size);
		same_status("write from a mapping", want, seen);
		expect_bytes(map->object, map->offset + at, size);
		write_model(object, offset, expected, size);
	}
}
