// SPDX-License-Identifier: GPL-2.0
/* Mappings and accesses through them, in both families. */
#include <signal.h>

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
		map->pages[i] = (struct map_page){ true, !i, map_prot(options) };
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

	if (!all_mapped(map, first, count))
		return;
	same_status("unmap", ZX_OK,
		    zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)map->at + first * PAGE,
				  count * PAGE));
	object->areas -= areas_of(map);
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

	if (!all_mapped(map, first, count))
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

/* 14: 0 or the signal */
static int want_access(const struct map *map, u64 page, u32 prot)
{
	u64 end;

	if ((map->pages[page].prot & prot) != prot)
		return SIGSEGV;
	end = map->bounded ? round_up(*stream_of(map->object)) : size_of(map->object);
	return map->offset + page * PAGE < end ? 0 : SIGBUS;
}

void do_load(u64 number, u64 page)
{
	struct map *map = &maps[number % MAPS];
	int want;

	if (!all_mapped(map, page, 1))
		return;
	want = want_access(map, page, ZX_VM_PERM_READ);
	same("signal of a load", want, load_bytes(buffer, map->at + page * PAGE, PAGE));
	if (want)
		return;
	expect_bytes(map->object, map->offset + page * PAGE, PAGE);
	if (memcmp(buffer, expected, PAGE))
		differs("mapped contents", "other bytes than in the model");
}

void do_store(u64 number, u64 offset, u64 value)
{
	struct map *map = &maps[number % MAPS];
	u64 len = PAGE - offset % PAGE, page = offset / PAGE;
	int want;

	if (!all_mapped(map, page, 1))
		return;
	want = want_access(map, page, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
	if (!want && !has_room(map->object, map->offset + offset, 1))
		return;
	if (len > 8)
		len = 8;
	fill(buffer, len, value);
	same("signal of a store", want, store_bytes(map->at + offset, buffer, len));
	if (!want)
		write_model(map->object, map->offset + offset, buffer, len);
}
