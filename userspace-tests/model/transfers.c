// SPDX-License-Identifier: GPL-2.0
/* Moving pages with zx_vmo_transfer_data, in both families (11). */
#include "model.h"

/* One of the two ranges: it leaves a slice also where it is empty. */
static zx_status_t want_end(const struct object *object, u64 offset, u64 len)
{
	if (!len && object->kind != SLICE)
		return ZX_OK;
	if (!in_range(offset, len, size_of(object)))
		return ZX_ERR_OUT_OF_RANGE;
	return len ? want_present(object) : ZX_OK;
}

static zx_status_t want_move(const struct op *op)
{
	const u64 *arg = op->arg;
	const struct object *to, *from;
	zx_status_t status;

	if (arg[1] || (arg[2] | arg[3] | arg[5]) % PAGE)
		return ZX_ERR_INVALID_ARGS;
	status = want_vmo(arg[0], ZX_RIGHT_WRITE);
	if (!status)
		status = want_vmo(arg[4], ZX_RIGHT_READ | ZX_RIGHT_WRITE);
	if (status)
		return status;
	to = slots[arg[0]].object;
	from = slots[arg[4]].object;
	if (to == from && arg[2] == arg[5])
		return ZX_OK;
	/* The specification leaves this open: pages do not take a policy along. */
	if (want_cached(to) || want_cached(from))
		return ZX_ERR_BAD_STATE;
	status = want_end(from, arg[5], arg[3]);
	return status ? status : want_end(to, arg[2], arg[3]);
}

/* What the range shows, with page numbers from 0; relatives keep what they share. */
static unsigned int take_pages(struct object *object, u64 offset, u64 len, struct view *taken)
{
	u64 first = (object->offset + offset) / PAGE, at;
	const struct store *store = object->store;
	unsigned int count = 0, i;

	for (i = 0; i < store->count; i++) {
		at = store->pages[i].number - first;
		if (at >= len / PAGE)
			continue;
		taken[count].number = at;
		taken[count].frame = copy_frame(store->pages[i].frame);
		count++;
	}
	drop_pages(object, offset, len);
	return count;
}

static void move_pages(struct object *to, u64 offset, u64 len, struct object *from, u64 src_offset)
{
	static struct view taken[STORE_PAGES];
	unsigned int count = take_pages(from, src_offset, len, taken), i;
	u64 first = (to->offset + offset) / PAGE;

	if (broken_rule != 5)
		drop_pages(to, offset, len);
	/* What is prepared to receive may count as metadata, also for holes (144). */
	to->store->used = true;
	for (i = 0; i < count; i++) {
		drop_pages(to, offset + taken[i].number * PAGE, PAGE);
		show(to->store, first + taken[i].number, taken[i].frame);
	}
}

void do_transfer(const struct op *op)
{
	zx_status_t want = want_move(op);
	const u64 *arg = op->arg;
	struct object *to, *from;

	if (!want) {
		to = slots[arg[0]].object;
		from = slots[arg[4]].object;
		if (to->store->count + from->store->count > STORE_PAGES)
			return;
	}
	same_status("transfer_data", want,
		    zx_vmo_transfer_data(real(arg[0]), arg[1], arg[2], arg[3], real(arg[4]),
					 arg[5]));
	if (!want && (to != from || arg[2] != arg[5]))
		move_pages(to, arg[2], arg[3], from, arg[5]);
}
