// SPDX-License-Identifier: GPL-2.0
/*
 * Random snapshot families beside a model of them (specification 23.2): after
 * every step every accounting field of every member is what the model says,
 * and now and then every byte is.
 *
 * The model has few pages. Model page i is page i * stride of a VMO, so that
 * one history is tried in trees of several shapes. All ranges begin and end at
 * half pages.
 *
 * ZXVMO_SEED in the environment chooses another history.
 */
#include "zx_test.h"

#define MEMBERS		10
#define PAGES		20
#define HALF		(PAGE / 2)
#define MAX_BASE	11		/* sums of offsets stay below 2^64 */
#define ONE		(1ULL << 63)	/* in a fractional field */

/* What a page holds: a byte value for each half. Page 0 of the pool: none. */
struct page {
	unsigned char half[2];
	int sharers;
};

static struct page pool[MEMBERS * PAGES + 1];

static struct member {
	zx_handle_t vmo;		/* 0: no such member */
	bool resizable;
	uint64_t size, stream;		/* bytes */
	int base;			/* sum of the offsets, in model pages */
	int pages[PAGES];		/* numbers in the pool; 0 reads as zero */
} members[MEMBERS];

static uint64_t stride, state;

static unsigned int any(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 20) % below;
}

/* The byte where a half page of the model begins. */
static uint64_t byte_of(unsigned int half)
{
	return half / 2 * stride * PAGE + half % 2 * HALF;
}

static uint64_t rounded(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static bool present(const struct member *member, int page)
{
	return byte_of(2 * page) < member->size;
}

static unsigned int living(void)
{
	unsigned int i, count = 0;

	for (i = 0; i < MEMBERS; i++)
		count += members[i].vmo != 0;
	return count;
}

static struct member *any_member(bool alive)
{
	unsigned int i = any(MEMBERS);

	while ((members[i].vmo != 0) != alive)
		i = (i + 1) % MEMBERS;
	return &members[i];
}

static void drop_page(struct member *member, int page)
{
	if (member->pages[page])
		pool[member->pages[page]].sharers--;
	member->pages[page] = 0;
}

/* The page, owned by the member; its content stays. */
static struct page *own_page(struct member *member, int page)
{
	struct page *old = &pool[member->pages[page]];
	int new;

	if (member->pages[page] && old->sharers == 1)
		return old;
	for (new = 1; pool[new].sharers; new++)
		;
	pool[new] = *old;
	pool[new].sharers = 1;
	drop_page(member, page);
	member->pages[page] = new;
	return &pool[new];
}

/* From one half page to another, within the size. */
static void zero_halves(struct member *member, unsigned int from, unsigned int to)
{
	unsigned int page;

	for (page = from / 2; page * 2 < to; page++) {
		bool low = from <= page * 2, high = to >= page * 2 + 2;

		if (low && high)
			drop_page(member, page);
		else if (member->pages[page])
			own_page(member, page)->half[low ? 0 : 1] = 0;
	}
}

/* Zero from a byte that is the beginning of a half page up to the end. */
static void zero_from(struct member *member, uint64_t byte)
{
	unsigned int half = 0;

	while (half < 2 * PAGES && byte_of(half) < byte)
		half++;
	zero_halves(member, half, 2 * PAGES);
}

static zx_status_t create(struct member *member)
{
	*member = (struct member){ .resizable = true };
	member->size = rounded(byte_of(any(2 * PAGES)));
	member->stream = member->size;
	return zx_vmo_create(member->size, ZX_VMO_RESIZABLE, &member->vmo);
}

static zx_status_t snapshot(struct member *member, const struct member *parent)
{
	static const uint32_t kinds[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
		ZX_VMO_CHILD_SNAPSHOT_MODIFIED,
	};
	uint32_t options = kinds[any(3)];
	int offset = any(2) ? 0 : any(PAGES / 2), page;

	if (parent->base + offset > MAX_BASE)
		offset = 0;
	*member = (struct member){ .resizable = any(4), .base = parent->base + offset };
	if (member->resizable)
		options |= ZX_VMO_CHILD_RESIZABLE;
	member->stream = byte_of(any(2 * PAGES));
	member->size = rounded(member->stream);
	for (page = 0; page + offset < PAGES; page++) {
		if (!present(member, page) || !present(parent, page + offset))
			continue;
		member->pages[page] = parent->pages[page + offset];
		if (member->pages[page])
			pool[member->pages[page]].sharers++;
	}
	return zx_vmo_create_child(parent->vmo, options, offset * stride * PAGE,
				   member->stream, &member->vmo);
}

static zx_status_t destroy(struct member *member)
{
	zx_handle_t vmo = member->vmo;
	int page;

	for (page = 0; page < PAGES; page++)
		drop_page(member, page);
	member->vmo = 0;
	return zx_handle_close(vmo);
}

static zx_status_t resize(struct member *member)
{
	int page;

	member->stream = byte_of(any(2 * PAGES));
	member->size = rounded(member->stream);
	for (page = 0; page < PAGES; page++)
		if (!present(member, page))
			drop_page(member, page);
	/* The tail of the last page. */
	if (member->stream != member->size)
		zero_from(member, member->stream);
	return zx_vmo_set_size(member->vmo, member->stream);
}

static zx_status_t set_stream_size(struct member *member)
{
	uint64_t size = byte_of(any(2 * PAGES));

	if (size > member->size)
		size = member->size;
	if (size != member->stream)
		zero_from(member, size < member->stream ? size : member->stream);
	member->stream = size;
	return zx_vmo_set_stream_size(member->vmo, size);
}

/* One page or one half of it. */
static zx_status_t write_page(struct member *member, int page)
{
	unsigned char bytes[PAGE];
	int first = any(2), end = first ? 2 : 1 + any(2), half;
	struct page *model = own_page(member, page);

	memset(bytes, 1 + any(255), PAGE);
	for (half = first; half < end; half++)
		model->half[half] = *bytes;
	return zx_vmo_write(member->vmo, bytes, byte_of(2 * page + first),
			    (end - first) * HALF);
}

static zx_status_t zero(struct member *member)
{
	unsigned int from = any(2 * PAGES), to = from + any(2 * PAGES - from + 1);

	while (to > from && byte_of(to - 1) + HALF > member->size)
		to--;
	if (to == from)
		return ZX_OK;
	zero_halves(member, from, to);
	return op_range(member->vmo, ZX_VMO_OP_ZERO, byte_of(from),
			byte_of(to - 1) + HALF - byte_of(from));
}

static zx_status_t decommit(struct member *member, int page)
{
	zx_status_t status = op_range(member->vmo, ZX_VMO_OP_DECOMMIT, byte_of(2 * page), PAGE);

	if (living() > 1)
		return status == ZX_ERR_NOT_SUPPORTED ? ZX_OK : ZX_ERR_INTERNAL;
	drop_page(member, page);
	return status;
}

/* One random step; not every one can be done. */
static zx_status_t step(struct member **touched)
{
	struct member *member;
	int what = any(100), page;

	if (!living())
		return create(*touched = &members[any(MEMBERS)]);
	member = any_member(true);
	page = any(PAGES);
	*touched = member;
	if (what < 15 && living() < MEMBERS)
		return snapshot(*touched = any_member(false), member);
	if (what < 25 && (living() > 1 || !any(10)))
		return destroy(member);
	if (what < 35 && member->resizable)
		return resize(member);
	if (what < 40)
		return set_stream_size(member);
	if (what < 55)
		return zero(member);
	if (!present(member, page))
		return ZX_OK;
	if (what < 60)
		return decommit(member, page);
	if (what < 70) {
		own_page(member, page);
		return op_range(member->vmo, ZX_VMO_OP_COMMIT, byte_of(2 * page) + 1, any(PAGE - 1));
	}
	return write_page(member, page);
}

static bool counts_fit(const struct member *member)
{
	uint64_t committed = 0, private = 0, scaled = 0, fraction = 0;
	zx_info_vmo_t info = info_of(member->vmo);
	int page, sharers;

	for (page = 0; page < PAGES; page++) {
		if (!member->pages[page])
			continue;
		sharers = pool[member->pages[page]].sharers;
		committed += PAGE;
		private += sharers == 1 ? PAGE : 0;
		scaled += PAGE / sharers;
		fraction += ONE / sharers * (PAGE % sharers);
		scaled += fraction / ONE;
		fraction %= ONE;
	}
	return info.committed_bytes == committed && info.populated_bytes == committed &&
	       info.committed_private_bytes == private &&
	       info.populated_private_bytes == private &&
	       info.committed_scaled_bytes == scaled && info.populated_scaled_bytes == scaled &&
	       info.committed_fractional_scaled_bytes == fraction &&
	       info.populated_fractional_scaled_bytes == fraction &&
	       info.size_bytes == member->size && stream_size_of(member->vmo) == member->stream;
}

static bool content_fits(const struct member *member)
{
	const struct page *page;
	int i;

	for (i = 0; i < PAGES && present(member, i); i++) {
		page = &pool[member->pages[i]];
		if (!holds(member->vmo, page->half[0], byte_of(2 * i), byte_of(2 * i + 1)) ||
		    !holds(member->vmo, page->half[1], byte_of(2 * i + 1), byte_of(2 * i + 1) + HALF))
			return false;
	}
	return true;
}

FIXTURE(family) {
	uint64_t seed;
};

FIXTURE_VARIANT(family) {
	uint64_t stride;
	int steps;
};

/* In one leaf of a tree, in many, in trees of every height. */
FIXTURE_VARIANT_ADD(family, dense) { .stride = 1, .steps = 2500 };
FIXTURE_VARIANT_ADD(family, across_leaves) { .stride = 27, .steps = 2500 };
FIXTURE_VARIANT_ADD(family, across_nodes) { .stride = 64 * 64 / 3, .steps = 1500 };
FIXTURE_VARIANT_ADD(family, sparse) { .stride = (1ULL << 47) + 1, .steps = 1500 };

FIXTURE_SETUP(family)
{
	const char *seed = getenv("ZXVMO_SEED");

	self->seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	state = self->seed * 0x9e3779b97f4a7c15ULL | 1;
	stride = variant->stride;
}

FIXTURE_TEARDOWN(family)
{
}

TEST_F(family, follows_the_model)
{
	int i, number, steps = fewer(variant->steps);
	struct member *touched;

	TH_LOG("ZXVMO_SEED=%" PRIu64, self->seed);
	for (number = 0; number < steps; number++) {
		ASSERT_EQ(ZX_OK, step(&touched))
			TH_LOG("step %d on member %td", number, touched - members);
		for (i = 0; i < MEMBERS; i++) {
			if (!members[i].vmo)
				continue;
			ASSERT_TRUE(counts_fit(&members[i]))
				TH_LOG("member %d after step %d on %td", i, number,
				       touched - members);
			if (&members[i] != touched && number % 16 && number != steps - 1)
				continue;
			ASSERT_TRUE(content_fits(&members[i]))
				TH_LOG("member %d after step %d on %td", i, number,
				       touched - members);
		}
	}
}

TEST_HARNESS_MAIN
