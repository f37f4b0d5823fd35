// SPDX-License-Identifier: GPL-2.0
/* zx_vmo_read and zx_vmo_write: specification sections 4, 28.2 and 28.17. */
#include <pthread.h>

#include "zx_test.h"

TEST(spec_013_read_commits_nothing)
{
	unsigned char page[PAGE];
	zx_handle_t vmo = new_vmo(PAGE, 0);

	memset(page, 0xff, PAGE);
	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, page, 0, PAGE));
	EXPECT_TRUE(all_bytes(page, 0, PAGE));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_OK, put_byte(vmo, 17, 1));
	EXPECT_EQ(PAGE, committed(vmo));
}

TEST(spec_014_beyond_the_content_size)
{
	unsigned char byte = 0;
	zx_handle_t vmo = new_vmo(1, 0);

	EXPECT_EQ(ZX_OK, put_byte(vmo, 4095, 0xaa));
	EXPECT_EQ(1, stream_size_of(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, &byte, 4095, 1));
	EXPECT_EQ(0xaa, byte);
}

TEST(spec_015_write_at_the_end)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, put_byte(vmo, PAGE, 1));
	EXPECT_EQ(0, committed(vmo));
}

TEST(spec_016_write_across_the_end)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	EXPECT_EQ(ZX_OK, put_byte(vmo, 4095, 0x11));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(vmo, "\x22\x22", 4095, 2));
	EXPECT_TRUE(holds(vmo, 0x11, 4095, 4096));
}

TEST(spec_017_nothing_at_the_end)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, NULL, PAGE, 0));
	EXPECT_EQ(ZX_OK, zx_vmo_write(vmo, NULL, PAGE, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, NULL, PAGE + 1, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(vmo, NULL, PAGE + 1, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, NULL, UINT64_MAX, 0));
}

TEST(spec_018_range_that_wraps)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	char bytes[2];

	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, bytes, UINT64_MAX, 2));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(vmo, bytes, UINT64_MAX, 2));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, bytes, 2, UINT64_MAX - 1));
}

TEST(spec_019_empty_vmo)
{
	zx_handle_t vmo = new_vmo(0, 0);
	char byte;

	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, &byte, 0, 0));
	EXPECT_EQ(ZX_OK, zx_vmo_write(vmo, &byte, 0, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(vmo, &byte, 0, 1));
}

TEST(spec_020_right_before_range)
{
	zx_handle_t vmo = without_rights(new_vmo(PAGE, 0), ZX_RIGHT_WRITE);

	ASSERT_NE(ZX_HANDLE_INVALID, vmo);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, put_byte(vmo, PAGE, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, put_byte(vmo, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_write(vmo, NULL, 0, 0));
}

TEST(spec_021_write_without_read)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t writer = with_rights(vmo, ZX_RIGHT_WRITE);
	char byte = 1;

	ASSERT_NE(ZX_HANDLE_INVALID, writer);
	EXPECT_EQ(ZX_OK, zx_vmo_write(writer, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_read(writer, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_read(writer, NULL, PAGE + 1, 0));
	EXPECT_TRUE(holds(vmo, 1, 0, 1));
}

TEST(spec_022_bad_buffers)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	char *hole = (char *)page_before_hole() + PAGE;
	char *constant = anon_pages(1, PROT_READ);
	char *none = anon_pages(1, PROT_NONE);

	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, hole, 0, 1));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(vmo, hole, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_read(vmo, constant, 0, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_write(vmo, constant, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_read(vmo, none, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_write(vmo, none, 0, 1));
}

TEST(spec_023_buffer_bad_later)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	char *page = page_before_hole();
	char *half = anon_pages(2, PROT_READ | PROT_WRITE);

	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, page, 0, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(vmo, page, 0, 2 * PAGE));
	/* The bad part need not begin where a page of the VMO does. */
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, page + PAGE - 100, 0, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(vmo, page + PAGE - 100, 0, 2 * PAGE));
	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, page + PAGE - 100, 0, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, page + PAGE - 1, 7, 2));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(vmo, page + PAGE - 1, 7, 2));
	/* The first bad address decides, here one without the permission. */
	mprotect(half + PAGE, PAGE, PROT_READ);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_read(vmo, half, 0, 2 * PAGE));
	mprotect(half + PAGE, PAGE, PROT_NONE);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_write(vmo, half + 1, 0, 2 * PAGE));
}

TEST(spec_024_other_object)
{
	zx_handle_t none = with_rights(zx_vmar_root_self(), ZX_RIGHT_NONE);
	char byte;

	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_read(zx_vmar_root_self(), &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_write(zx_process_self(), &byte, 0, 1));
	if (none != ZX_HANDLE_INVALID)
		EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_read(none, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_read(ZX_HANDLE_INVALID, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_read(closed_handle(), &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_write(UINT32_MAX, &byte, 0, 1));
}

TEST(every_alignment)
{
	unsigned char expected[3 * PAGE] = { }, seen[3 * PAGE];
	zx_handle_t vmo = new_vmo(3 * PAGE, 0);
	size_t offset, len, i;
	unsigned char value = 0;

	for (offset = PAGE - 3; offset < PAGE + 3; offset++) {
		for (len = PAGE - 2; len < PAGE + 3; len++) {
			memset(expected + offset, ++value, len);
			ASSERT_EQ(ZX_OK, zx_vmo_write(vmo, expected + offset, offset, len));
			memset(seen, 0, sizeof(seen));
			ASSERT_EQ(ZX_OK, zx_vmo_read(vmo, seen + 1, offset + 1, len - 2));
			for (i = 0; i < len - 2; i++)
				ASSERT_EQ(value, seen[1 + i]);
		}
	}
	ASSERT_EQ(ZX_OK, zx_vmo_read(vmo, seen, 0, 3 * PAGE));
	EXPECT_EQ(0, memcmp(expected, seen, 3 * PAGE));
}

TEST(spec_162_pages_all_over_a_huge_vmo)
{
	static const uint64_t offsets[] = {
		0, 1ULL << 32, (1ULL << 44) - PAGE, (1ULL << 51) + PAGE,
		(1ULL << 63) - PAGE, 1ULL << 63, 0xc000000000000000,
		ZX_VMO_MAX_SIZE - PAGE,
	};
	zx_handle_t vmo = new_vmo(ZX_VMO_MAX_SIZE, ZX_VMO_RESIZABLE);
	zx_instant_mono_t begin = zx_clock_get_monotonic();
	unsigned char byte;
	size_t i;

	ASSERT_NE(ZX_HANDLE_INVALID, vmo);
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		EXPECT_EQ(ZX_OK, put_byte(vmo, offsets[i] + i, 0x80 + i));
	EXPECT_EQ(ARRAY_SIZE(offsets) * PAGE, committed(vmo));
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, &byte, offsets[i] + i, 1));
		EXPECT_EQ(0x80 + i, byte);
	}
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, (1ULL << 63) + 5));
	EXPECT_TRUE(holds(vmo, 0, (1ULL << 63) + 5, (1ULL << 63) + PAGE));
	EXPECT_TRUE(holds(vmo, 0, ZX_VMO_MAX_SIZE - PAGE, ZX_VMO_MAX_SIZE));
	EXPECT_TRUE(holds(vmo, 0x84, (1ULL << 63) - PAGE + 4, (1ULL << 63) - PAGE + 5));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, (1ULL << 51)));
	EXPECT_EQ(3 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 0));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_OK, zx_handle_close(vmo));
	/* Work that depends on the size would take years. */
	EXPECT_GT(5000000000, zx_clock_get_monotonic() - begin);
}

TEST(spec_163_last_page_of_an_unbounded_vmo)
{
	zx_handle_t vmo = new_vmo(0, ZX_VMO_UNBOUNDED);
	unsigned char byte = 0;

	EXPECT_EQ(ZX_OK, put_byte(vmo, ZX_VMO_MAX_SIZE - 1, 0xcc));
	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, &byte, ZX_VMO_MAX_SIZE - 1, 1));
	EXPECT_EQ(0xcc, byte);
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, put_byte(vmo, ZX_VMO_MAX_SIZE, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(vmo, "xx", ZX_VMO_MAX_SIZE - 1, 2));
	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, NULL, ZX_VMO_MAX_SIZE, 0));
	EXPECT_EQ(0, stream_size_of(vmo));
}

TEST(spec_164_range_before_buffer)
{
	void *const kernel[] = {
		(void *)0xffff888000000000UL, (void *)0xffffffff81000000UL,
		(void *)(UINT64_MAX - 4095), (void *)0x00007ffffffff000UL,
		(void *)0x8000000000000000UL,
	};
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t huge = new_vmo(0, ZX_VMO_UNBOUNDED);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kernel); i++) {
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, kernel[i], 1, PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, kernel[i], 0, UINT64_MAX));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(vmo, kernel[i], 0, UINT64_MAX));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, kernel[i], 0, 1));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(vmo, kernel[i], 0, PAGE));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(huge, kernel[i], 0, ZX_VMO_MAX_SIZE));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(huge, kernel[i], PAGE, 1ULL << 63));
	}
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, NULL, 0, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_write(vmo, NULL, 1, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, NULL, 0, 1));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(vmo, NULL, 0, 1));
	/* Good at first, and then it runs out of what is mapped. */
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(huge, page_before_hole(), 0, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(huge, page_before_hole(), 0, 1ULL << 62));
}

TEST(spec_165_own_mapping_as_buffer)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	/* Into pages that do not exist yet, from pages that do not. */
	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, at + 2 * PAGE + 7, 1, PAGE));
	EXPECT_TRUE(all_bytes(at, 0, 4 * PAGE));
	memset(at, 0x77, PAGE);
	EXPECT_EQ(ZX_OK, zx_vmo_write(vmo, at, PAGE + 5, PAGE));
	EXPECT_TRUE(all_bytes(at + PAGE + 5, 0x77, PAGE));
	EXPECT_EQ(0, at[2 * PAGE + 5]);
	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, at + 3 * PAGE, 0, PAGE));
	EXPECT_TRUE(all_bytes(at + 3 * PAGE, 0x77, PAGE));
	/* The same bytes as source and target. */
	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, at, 0, 4 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_write(vmo, at, 0, 4 * PAGE));
	EXPECT_TRUE(all_bytes(at, 0x77, PAGE));
}

TEST(buffer_in_a_mapping_past_the_end)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), other = new_vmo(PAGE, 0);
	unsigned char *at;
	zx_status_t status;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_ALLOW_FAULTS, 2 * PAGE, &at));
	/* An error of this call, and no signal. */
	status = zx_vmo_read(other, at + PAGE, 0, 1);
	EXPECT_TRUE(status == ZX_ERR_NOT_FOUND || status == ZX_ERR_ACCESS_DENIED);
	status = zx_vmo_write(other, at + PAGE, 0, 1);
	EXPECT_TRUE(status == ZX_ERR_NOT_FOUND || status == ZX_ERR_ACCESS_DENIED);
}

static struct {
	zx_handle_t vmo[2];
	unsigned char *at[2];
} cross;

static void *cross_thread(void *arg)
{
	long me = (long)arg;
	zx_status_t status = ZX_OK;
	int i;

	/* Each with its own VMO as target and the other's mapping as buffer. */
	for (i = 0; i < 300 && !status; i++) {
		status = zx_vmo_write(cross.vmo[me], cross.at[!me], 0, 4 * PAGE);
		if (!status)
			status = zx_vmo_read(cross.vmo[me], cross.at[!me], PAGE, 2 * PAGE);
	}
	return (void *)(long)status;
}

TEST(two_vmos_crosswise_do_not_deadlock)
{
	pthread_t threads[2];
	void *status;
	long i;

	for (i = 0; i < 2; i++) {
		cross.vmo[i] = new_vmo(4 * PAGE, 0);
		ASSERT_EQ(ZX_OK, map_vmo(cross.vmo[i], READ_WRITE, 4 * PAGE, &cross.at[i]));
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, cross_thread, (void *)i));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &status));
		EXPECT_NULL(status);
	}
}

TEST_HARNESS_MAIN
