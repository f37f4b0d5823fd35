// SPDX-License-Identifier: GPL-2.0
/* Random numbers that suit what there is: mostly good ones. */
#include "model.h"

bool large_family;

static u64 state;

void start_random(u64 seed)
{
	state = seed * 0x9e3779b97f4a7c15ULL ^ 0x2545f4914f6cdd1dULL;
	if (!state)
		state = 1;
}

u64 any(u64 below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % below;
}

/* A slot with a handle, mostly. */
u64 some_handle(void)
{
	u64 slot = any(SLOTS);
	unsigned int i;

	if (!any(60))
		return any(SLOT_VMAR + 1);
	for (i = 0; i < SLOTS && !slots[slot].object; i++)
		slot = (slot + 1) % SLOTS;
	return slot;
}

u64 empty_slot(void)
{
	u64 slot = any(SLOTS);
	unsigned int i;

	for (i = 0; i < SLOTS && slots[slot].object; i++)
		slot = (slot + 1) % SLOTS;
	return slot;
}

u64 some_map(bool full)
{
	u64 map = any(MAPS);
	unsigned int i;

	for (i = 0; i < MAPS && !!maps[map].object != full; i++)
		map = (map + 1) % MAPS;
	return map;
}

const struct object *object_in(u64 slot)
{
	return slot < SLOTS ? slots[slot].object : NULL;
}

/* Numbers that may go wrong. */
u64 odd_number(void)
{
	static const u64 numbers[] = {
		0, 1, PAGE - 1, PAGE + 1, 1ULL << 32, 1ULL << 63, ZX_VMO_MAX_SIZE,
		ZX_VMO_MAX_SIZE + 1, ZX_VMO_MAX_SIZE - PAGE, UINT64_MAX,
		UINT64_MAX - PAGE, -2 * PAGE, -PAGE, 1ULL << 51, 1ULL << 40,
	};

	return numbers[any(ARRAY_SIZE(numbers))] + (any(4) ? 0 : any(3) - 1);
}

/* Sparse contents lie near these. */
static u64 far_place(const struct object *object)
{
	switch (any(3)) {
	case 0:
		return 1ULL << 40;
	case 1:
		return object && size_of(object) > 4 * PAGE ? size_of(object) - 4 * PAGE : 0;
	default:
		return (1ULL << 63) - 2 * PAGE;
	}
}

u64 some_offset(const struct object *object)
{
	u64 base = 0, size = object ? size_of(object) : 8 * PAGE;

	if (!any(30))
		return odd_number();
	if (size > 64 * PAGE && size <= STORE_PAGES * PAGE)
		base = any(size / PAGE / 64 + 1) * 64 * PAGE;
	else if (size > 64 * PAGE)
		base = any(2) ? far_place(object) : 0;
	if (size > 20 * PAGE || !any(8))
		size = 20 * PAGE;
	base += any(size / PAGE + 1) * PAGE;
	return any(3) ? base : base + any(PAGE);
}

/* Mostly within the size. */
u64 some_length(const struct object *object, u64 offset)
{
	u64 size = object ? size_of(object) : 0, len;

	if (!any(30))
		return odd_number();
	switch (any(5)) {
	case 0:
		len = any(64);
		break;
	case 1:
		len = any(3 * PAGE);
		break;
	case 2:
		return any(30) ? size - offset : size;
	default:
		len = (1 + any(8)) * PAGE;
	}
	if (any(10) && offset < size && len > size - offset)
		len = size - offset;
	return len;
}

u64 aligned(u64 value)
{
	return any(12) ? value & ~(PAGE - 1) : value;
}

u64 some_size(void)
{
	if (large_family && any(3))
		return (LARGE_PAGES + any(LARGE_PAGES + 200)) * PAGE;
	switch (any(12)) {
	case 0:
		return any(3) ? any(5) * PAGE : odd_number();
	case 1:
		return 1ULL << (40 + any(24));
	case 2:
	case 3:
		return any(16 * PAGE);
	case 4:
		return (65 + any(240)) * PAGE;
	default:
		return any(17) * PAGE;
	}
}
