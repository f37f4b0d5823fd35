// SPDX-License-Identifier: GPL-2.0
/* zx_vmo_transfer_data: specification sections 11, 28.13 and 28.19. */
#include "zx_test.h"

/* Pages of one leaf of the module's page map: ranges that differ in it move by the page. */
#define LEAF	64

static zx_status_t move(zx_handle_t dst, uint64_t offset, uint64_t length, zx_handle_t src,
			uint64_t src_offset)
{
	return zx_vmo_transfer_data(dst, 0, offset, length, src, src_offset);
}

/* Page i begins with the byte first + i. */
static zx_status_t number_pages(zx_handle_t vmo, unsigned char first, size_t pages)
{
	zx_status_t status = ZX_OK;
	size_t i;

	for (i = 0; i < pages && !status; i++)
		status = put_byte(vmo, i * PAGE, first + i);
	return status;
}

static int byte_at(zx_handle_t vmo, uint64_t page)
{
	unsigned char byte;

	return zx_vmo_read(vmo, &byte, page * PAGE, 1) ? -1 : byte;
}

TEST(spec_119_options_and_alignment_first)
{
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_transfer_data(0, 1, 0, 0, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_transfer_data(0, 0x80000000, 0, 0, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, move(0, 1, 0, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, move(0, 0, 1, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, move(0, 0, 0, 0, PAGE + 1));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, move(0, 0, 0, 0, 0));
}

TEST(spec_123_one_page)
{
	zx_handle_t src = new_vmo(4 * PAGE, 0), dst = new_vmo(4 * PAGE, 0);
	uint64_t before;

	ASSERT_EQ(ZX_OK, number_pages(src, 1, 4));
	ASSERT_EQ(ZX_OK, number_pages(dst, 11, 2));
	before = committed(src) + committed(dst);
	ASSERT_EQ(ZX_OK, move(dst, 3 * PAGE, PAGE, src, PAGE));
	EXPECT_EQ(2, byte_at(dst, 3));
	EXPECT_EQ(0, byte_at(src, 1));
	EXPECT_EQ(before, committed(src) + committed(dst));
	EXPECT_EQ(3 * PAGE, committed(src));
	/* Onto a page that is there: it is gone. */
	ASSERT_EQ(ZX_OK, move(dst, 0, PAGE, src, 0));
	EXPECT_EQ(1, byte_at(dst, 0));
	EXPECT_EQ(12, byte_at(dst, 1));
	EXPECT_EQ(before - PAGE, committed(src) + committed(dst));
	/* The same place of the same object is not looked at. */
	EXPECT_EQ(ZX_OK, move(src, 99 * PAGE, PAGE, src, 99 * PAGE));
	EXPECT_EQ(ZX_OK, move(src, -PAGE, PAGE, with_rights(src, ZX_RIGHT_SAME_RIGHTS), -PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(dst, 99 * PAGE, PAGE, src, 99 * PAGE));
}

TEST(order_of_checks)
{
	zx_handle_t src = new_vmo(4 * PAGE, 0), dst = new_vmo(4 * PAGE, 0);
	zx_handle_t root = zx_vmar_root_self(), bad = closed_handle();
	zx_handle_t no_write = without_rights(dst, ZX_RIGHT_WRITE);
	zx_handle_t only_write = with_rights(dst, ZX_RIGHT_WRITE);
	zx_handle_t src_no_read = without_rights(src, ZX_RIGHT_READ);
	zx_handle_t src_no_write = without_rights(src, ZX_RIGHT_WRITE);
	zx_handle_t src_io = with_rights(src, ZX_RIGHT_READ | ZX_RIGHT_WRITE);

	EXPECT_EQ(ZX_ERR_BAD_HANDLE, move(bad, 0, PAGE, root, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, move(root, 0, PAGE, bad, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, move(no_write, 0, PAGE, bad, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, move(no_write, 0, PAGE, root, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, move(only_write, 0, PAGE, bad, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, move(only_write, 0, PAGE, root, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, move(only_write, 99 * PAGE, PAGE, src_no_read, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, move(only_write, 99 * PAGE, PAGE, src_no_write, 0));
	EXPECT_EQ(ZX_OK, move(only_write, 0, PAGE, src_io, 0));
	/* Each range by itself. */
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(dst, 0, PAGE, src, 4 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(dst, 4 * PAGE, PAGE, src, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(dst, 0, PAGE, src, -PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(dst, -PAGE, PAGE, src, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(dst, 0, -PAGE, src, PAGE));
	/* Nothing to move, at the end and beyond it. */
	EXPECT_EQ(ZX_OK, move(dst, 4 * PAGE, 0, src, 0));
	EXPECT_EQ(ZX_OK, move(dst, 99 * PAGE, 0, src, 77 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(dst, 0, 0, slice_of(src, 0, PAGE), 2 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(slice_of(dst, 0, PAGE), 2 * PAGE, 0, src, 0));
}

TEST(spec_124_source_with_a_snapshot)
{
	zx_handle_t src = new_vmo(4 * PAGE, 0), dst = new_vmo(4 * PAGE, 0), snapshot;

	ASSERT_EQ(ZX_OK, number_pages(src, 1, 4));
	snapshot = snapshot_of(src, 0, 4 * PAGE);
	ASSERT_EQ(ZX_OK, move(dst, 0, 2 * PAGE, src, PAGE));
	EXPECT_EQ(2, byte_at(dst, 0));
	EXPECT_EQ(3, byte_at(dst, 1));
	EXPECT_EQ(0, byte_at(src, 1));
	EXPECT_EQ(2, byte_at(snapshot, 1));
	EXPECT_EQ(3, byte_at(snapshot, 2));
	/* Nothing is shared with a stranger. */
	ASSERT_EQ(ZX_OK, put_byte(dst, 0, 0x55));
	EXPECT_EQ(2, byte_at(snapshot, 1));
	EXPECT_EQ(2 * PAGE, committed(dst));
	EXPECT_EQ(2 * PAGE, info_of(dst).committed_private_bytes);
	EXPECT_EQ(4 * PAGE, committed(snapshot));
	EXPECT_EQ(2 * PAGE, info_of(snapshot).committed_private_bytes);
	/* Out of the snapshot, while its parent lives and after. */
	ASSERT_EQ(ZX_OK, move(dst, 2 * PAGE, PAGE, snapshot, 0));
	EXPECT_EQ(1, byte_at(dst, 2));
	EXPECT_EQ(1, byte_at(src, 0));
	EXPECT_EQ(0, byte_at(snapshot, 0));
	zx_handle_close(src);
	ASSERT_EQ(ZX_OK, move(dst, 2 * PAGE, 2 * PAGE, snapshot, 2 * PAGE));
	EXPECT_EQ(3, byte_at(dst, 2));
	EXPECT_EQ(4, byte_at(dst, 3));
	EXPECT_EQ(PAGE, committed(snapshot));
}

TEST(spec_181_holes)
{
	zx_handle_t src = new_vmo(4 * PAGE, 0), root = new_vmo(4 * PAGE, 0), dst;

	ASSERT_EQ(ZX_OK, number_pages(root, 1, 4));
	dst = snapshot_of(root, 0, 4 * PAGE);
	ASSERT_EQ(ZX_OK, put_byte(dst, 0, 0x77));
	ASSERT_EQ(ZX_OK, put_byte(src, 2 * PAGE, 0x22));
	ASSERT_EQ(ZX_OK, move(dst, 0, 3 * PAGE, src, 0));
	EXPECT_EQ(0, byte_at(dst, 0));
	EXPECT_EQ(0, byte_at(dst, 1));
	EXPECT_EQ(0x22, byte_at(dst, 2));
	EXPECT_EQ(4, byte_at(dst, 3));
	EXPECT_EQ(2 * PAGE, committed(dst));
	EXPECT_EQ(1, byte_at(root, 0));
	EXPECT_EQ(2, byte_at(root, 1));
	EXPECT_EQ(3, byte_at(root, 2));
	EXPECT_EQ(0, committed(src));
}

TEST(spec_182_overlap)
{
	zx_handle_t vmo = new_vmo(200 * PAGE, 0);
	int i;

	ASSERT_EQ(ZX_OK, number_pages(vmo, 1, 8));
	ASSERT_EQ(ZX_OK, move(vmo, 2 * PAGE, 5 * PAGE, vmo, 0));
	EXPECT_EQ(0, byte_at(vmo, 0));
	EXPECT_EQ(0, byte_at(vmo, 1));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(i + 1, byte_at(vmo, i + 2));
	EXPECT_EQ(8, byte_at(vmo, 7));
	/* Back again, the other way. */
	ASSERT_EQ(ZX_OK, move(vmo, 0, 7 * PAGE, vmo, 2 * PAGE));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(i + 1, byte_at(vmo, i));
	EXPECT_EQ(8, byte_at(vmo, 5));
	EXPECT_EQ(0, byte_at(vmo, 6));
	EXPECT_EQ(0, byte_at(vmo, 7));
	EXPECT_EQ(6 * PAGE, committed(vmo));
	/* Aligned alike. */
	ASSERT_EQ(ZX_OK, number_pages(vmo, 1, 2 * LEAF));
	ASSERT_EQ(ZX_OK, move(vmo, LEAF * PAGE, 2 * LEAF * PAGE, vmo, 0));
	for (i = 0; i < 2 * LEAF; i++)
		ASSERT_EQ(i + 1, byte_at(vmo, LEAF + i));
	EXPECT_TRUE(holds(vmo, 0, 0, LEAF * PAGE));
	EXPECT_EQ(2 * LEAF * PAGE, committed(vmo));
}

TEST(spec_183_slices_and_references)
{
	zx_handle_t one = new_vmo(4 * PAGE, 0), two = new_vmo(4 * PAGE, 0);
	zx_handle_t slice = slice_of(one, PAGE, 2 * PAGE), reference = reference_of(two);
	zx_handle_t snapshot;

	ASSERT_EQ(ZX_OK, number_pages(one, 1, 4));
	snapshot = snapshot_of(one, 0, 4 * PAGE);
	ASSERT_EQ(ZX_OK, move(reference, 0, PAGE, slice, PAGE));
	EXPECT_EQ(3, byte_at(two, 0));
	EXPECT_EQ(0, byte_at(one, 2));
	EXPECT_EQ(0, byte_at(slice, 1));
	EXPECT_EQ(3, byte_at(snapshot, 2));
	/* Between a slice and its parent: one memory. */
	ASSERT_EQ(ZX_OK, move(slice, PAGE, PAGE, one, 0));
	EXPECT_EQ(1, byte_at(one, 2));
	EXPECT_EQ(0, byte_at(one, 0));
	/* The same page by two names: it ends where it was. */
	ASSERT_EQ(ZX_OK, move(slice, 0, PAGE, one, PAGE));
	EXPECT_EQ(2, byte_at(one, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(slice, 0, 3 * PAGE, two, 0));
	/* Between relatives. */
	ASSERT_EQ(ZX_OK, move(one, 0, 4 * PAGE, snapshot, 0));
	EXPECT_EQ(1, byte_at(one, 0));
	EXPECT_EQ(4, byte_at(one, 3));
	EXPECT_EQ(0, committed(snapshot));
	EXPECT_EQ(4 * PAGE, info_of(one).committed_private_bytes);
}

TEST(spec_184_which_error)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), other = new_vmo(PAGE, 0);

	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  move(zx_vmar_root_self(), 0, PAGE, ZX_HANDLE_INVALID, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  move(ZX_HANDLE_INVALID, 0, PAGE, zx_vmar_root_self(), 0));
	ASSERT_EQ(ZX_OK, put_byte(vmo, 0, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(other, PAGE, PAGE, vmo, PAGE));
	/* A bad destination takes nothing from the source. */
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, move(other, PAGE, PAGE, vmo, 0));
	EXPECT_EQ(1, byte_at(vmo, 0));
}

TEST(mappings_follow)
{
	zx_handle_t src = new_vmo(3 * PAGE, 0), dst = new_vmo(3 * PAGE, 0);
	unsigned char *from, *to;

	ASSERT_EQ(ZX_OK, map_vmo(src, READ_WRITE, 3 * PAGE, &from));
	ASSERT_EQ(ZX_OK, map_vmo(dst, READ_WRITE, 3 * PAGE, &to));
	from[0] = 1;
	from[PAGE] = 2;
	to[PAGE] = 9;
	EXPECT_EQ(0, to[0] + to[2 * PAGE]);
	ASSERT_EQ(ZX_OK, move(dst, 0, 3 * PAGE, src, 0));
	EXPECT_EQ(1, to[0]);
	EXPECT_EQ(2, to[PAGE]);
	EXPECT_EQ(0, to[2 * PAGE]);
	EXPECT_TRUE(all_bytes(from, 0, 3 * PAGE));
	/* Written through both: two memories. */
	from[0] = 5;
	to[PAGE] = 6;
	EXPECT_EQ(1, byte_at(dst, 0));
	EXPECT_EQ(5, byte_at(src, 0));
	EXPECT_EQ(6, byte_at(dst, 1));
	EXPECT_EQ(0, byte_at(src, 1));
	/* A snapshot of the destination does not see what is written later. */
	snapshot_of(dst, 0, 3 * PAGE);
	to[0] = 8;
	EXPECT_EQ(2 * PAGE, committed(dst));
}

TEST(sizes_and_signals_stay)
{
	zx_handle_t src = new_vmo(2 * PAGE, 0), dst = new_vmo(2 * PAGE, 0);
	zx_signals_t signals = signals_of(dst);

	ASSERT_EQ(ZX_OK, set_content_size(dst, 5));
	ASSERT_EQ(ZX_OK, set_content_size(src, 7));
	ASSERT_EQ(ZX_OK, put_byte(src, PAGE, 1));
	ASSERT_EQ(ZX_OK, move(dst, 0, 2 * PAGE, src, 0));
	EXPECT_EQ(5, stream_size_of(dst));
	EXPECT_EQ(7, stream_size_of(src));
	EXPECT_EQ(signals, signals_of(dst));
	EXPECT_EQ(1, byte_at(dst, 1));
}

TEST(far_apart)
{
	zx_handle_t src = new_vmo(0, ZX_VMO_UNBOUNDED), dst = new_vmo(0, ZX_VMO_UNBOUNDED);
	uint64_t high = 1UL << 63, last = ZX_VMO_MAX_SIZE - PAGE;

	ASSERT_EQ(ZX_OK, put_byte(src, high, 1));
	ASSERT_EQ(ZX_OK, put_byte(src, last, 2));
	ASSERT_EQ(ZX_OK, put_byte(dst, 0, 3));
	/* Everything, whatever is there. */
	ASSERT_EQ(ZX_OK, move(dst, PAGE, last, src, PAGE));
	EXPECT_EQ(1, byte_at(dst, high / PAGE));
	EXPECT_EQ(2, byte_at(dst, last / PAGE));
	EXPECT_EQ(3, byte_at(dst, 0));
	EXPECT_EQ(0, committed(src));
	/* By the page, over a long way. */
	ASSERT_EQ(ZX_OK, move(src, 5 * PAGE, ZX_VMO_MAX_SIZE - high - PAGE, dst, high));
	EXPECT_EQ(1, byte_at(src, 5));
	ASSERT_EQ(ZX_OK, move(src, 7 * PAGE, PAGE, dst, last));
	EXPECT_EQ(2, byte_at(src, 7));
	EXPECT_EQ(PAGE, committed(dst));
	EXPECT_EQ(2 * PAGE, committed(src));
}

TEST(discarded_on_either_side)
{
	zx_handle_t plain = new_vmo(PAGE, 0), discardable = new_vmo(PAGE, ZX_VMO_DISCARDABLE);

	ASSERT_EQ(ZX_OK, put_byte(plain, 0, 1));
	ASSERT_EQ(ZX_OK, move(discardable, 0, PAGE, plain, 0));
	EXPECT_EQ(1, byte_at(discardable, 0));
	ASSERT_EQ(ZX_OK, move(plain, 0, PAGE, discardable, 0));
	EXPECT_EQ(1, byte_at(plain, 0));
}

/* Any ranges of three VMOs, one a snapshot of another, against plain arrays. */
#define PAGES	300
#define ROUNDS	1500

static unsigned int random_number(unsigned int *seed, unsigned int below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % below;
}

TEST(against_a_model)
{
	unsigned char model[3][PAGES] = { }, taken[PAGES];
	zx_handle_t vmo[3] = { new_vmo(PAGES * PAGE, 0), new_vmo(PAGES * PAGE, 0) };
	unsigned int seed = 20261122, round, i, j;

	vmo[2] = snapshot_of(vmo[0], 0, PAGES * PAGE);
	for (round = 0; round < (unsigned int)fewer(ROUNDS); round++) {
		unsigned int src = random_number(&seed, 3), dst = random_number(&seed, 3);
		unsigned int from = random_number(&seed, PAGES), to = random_number(&seed, PAGES);
		unsigned int most = PAGES - (from > to ? from : to), length;

		if (random_number(&seed, 3) == 0)
			to = (to & -LEAF) | (from & (LEAF - 1));
		if (to >= PAGES)
			to -= LEAF;
		most = PAGES - (from > to ? from : to);
		length = random_number(&seed, most) + 1;
		switch (random_number(&seed, 8)) {
		case 0:
			zx_handle_close(vmo[2]);
			vmo[2] = snapshot_of(vmo[dst % 2], 0, PAGES * PAGE);
			memcpy(model[2], model[dst % 2], PAGES);
			break;
		case 1:
		case 2:
		case 3:
			for (i = 0; i < 5; i++) {
				j = random_number(&seed, PAGES);
				model[dst][j] = random_number(&seed, 256);
				ASSERT_EQ(ZX_OK, put_byte(vmo[dst], j * PAGE, model[dst][j]));
			}
			break;
		default:
			ASSERT_EQ(ZX_OK, move(vmo[dst], to * PAGE, length * PAGE, vmo[src],
					      from * PAGE));
			if (src == dst && from == to)
				break;
			memcpy(taken, model[src] + from, length);
			memset(model[src] + from, 0, length);
			memcpy(model[dst] + to, taken, length);
		}
		for (i = 0; i < 3; i++) {
			j = random_number(&seed, PAGES);
			ASSERT_EQ(model[i][j], byte_at(vmo[i], j))
				TH_LOG("round %u, VMO %u, page %u", round, i, j);
		}
		if (round % 100)
			continue;
		for (i = 0; i < 3; i++)
			for (j = 0; j < PAGES; j++)
				ASSERT_EQ(model[i][j], byte_at(vmo[i], j))
					TH_LOG("round %u, VMO %u, page %u", round, i, j);
	}
}

TEST_HARNESS_MAIN
