// SPDX-License-Identifier: GPL-2.0
/* zx_vmo_get_size and zx_vmo_set_size: specification sections 5 and 28.3. */
#include "zx_test.h"

static zx_handle_t new_rvmo(uint64_t size)
{
	return new_vmo(size, ZX_VMO_RESIZABLE);
}

TEST(spec_025_fixed_size)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	EXPECT_EQ(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(vmo, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(vmo, PAGE));
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(vmo, 0));
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(vmo, 0xfffffffffffff000));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(vmo, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(vmo, 0xfffffffffffff001));
	EXPECT_EQ(PAGE, size_of(vmo));
	EXPECT_EQ(PAGE, stream_size_of(vmo));
}

TEST(spec_026_rights)
{
	zx_handle_t fixed = new_vmo(PAGE, 0), vmo = new_rvmo(PAGE);
	zx_handle_t no_resize = without_rights(vmo, ZX_RIGHT_RESIZE);
	zx_handle_t no_write = without_rights(vmo, ZX_RIGHT_WRITE);

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(no_resize, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(no_resize, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(no_write, 0));
	EXPECT_EQ(PAGE, size_of(vmo));
	no_write = without_rights(fixed, ZX_RIGHT_WRITE);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(no_write, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_set_size(no_write, UINT64_MAX));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(with_rights(vmo, ZX_RIGHT_WRITE | ZX_RIGHT_RESIZE), 0));
	EXPECT_EQ(0, size_of(vmo));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_set_size(zx_vmar_root_self(), 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_set_size(closed_handle(), UINT64_MAX));
}

TEST(spec_027_shrink_and_grow)
{
	zx_handle_t vmo = new_rvmo(2 * PAGE);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, PAGE));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, put_byte(vmo, PAGE, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * PAGE));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, PAGE));
	EXPECT_TRUE(holds(vmo, 0, PAGE, 2 * PAGE));
}

TEST(spec_028_unrounded_size)
{
	zx_handle_t vmo = new_rvmo(PAGE);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 100));
	EXPECT_EQ(PAGE, size_of(vmo));
	EXPECT_EQ(100, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 100));
	EXPECT_TRUE(holds(vmo, 0, 100, PAGE));

	/* Growing inside the page zeroes what lies after the new size too. */
	ASSERT_EQ(ZX_OK, fill(vmo, 0xbb, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 200));
	EXPECT_TRUE(holds(vmo, 0xbb, 0, 200));
	EXPECT_TRUE(holds(vmo, 0, 200, PAGE));
	/* And so does the same size. */
	ASSERT_EQ(ZX_OK, fill(vmo, 0xcc, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 200));
	EXPECT_TRUE(holds(vmo, 0xcc, 0, 200));
	EXPECT_TRUE(holds(vmo, 0, 200, PAGE));
}

TEST(unrounded_size_commits_nothing)
{
	zx_handle_t vmo = new_rvmo(4 * PAGE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * PAGE + 100));
	EXPECT_EQ(3 * PAGE, size_of(vmo));
	EXPECT_EQ(2 * PAGE + 100, stream_size_of(vmo));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 7 * PAGE + 1));
	EXPECT_EQ(0, committed(vmo));
}

TEST(spec_029_shrink_to_nothing)
{
	zx_handle_t vmo = new_rvmo(PAGE);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 1));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 0));
	EXPECT_EQ(0, size_of(vmo));
	EXPECT_EQ(0, stream_size_of(vmo));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, PAGE));
	EXPECT_TRUE(holds(vmo, 0, 0, PAGE));
}

TEST(spec_030_size_above_max)
{
	zx_handle_t vmo = new_rvmo(PAGE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 100));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(vmo, 0xfffffffffffff000));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(vmo, ZX_VMO_MAX_SIZE + 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(vmo, UINT64_MAX));
	EXPECT_EQ(PAGE, size_of(vmo));
	EXPECT_EQ(100, stream_size_of(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(ZX_VMO_MAX_SIZE, size_of(vmo));
}

TEST(spec_031_mapping_of_a_shrinking_vmo)
{
	zx_handle_t vmo = new_rvmo(2 * PAGE);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_ALLOW_FAULTS, 2 * PAGE, &at));
	memset(at, 0xaa, 2 * PAGE);
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, PAGE));
	EXPECT_EQ(SIGBUS, probe_read(at + PAGE));
	EXPECT_EQ(SIGBUS, probe_write(at + 2 * PAGE - 1, 1));
	EXPECT_EQ(0, probe_write(at, 0xbb));
	EXPECT_TRUE(holds(vmo, 0xbb, 0, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * PAGE));
	ASSERT_EQ(0, probe_read(at + PAGE));
	EXPECT_TRUE(all_bytes(at + PAGE, 0, PAGE));
	EXPECT_EQ(0, probe_write(at + PAGE, 0xcc));
	EXPECT_TRUE(holds(vmo, 0xcc, PAGE, PAGE + 1));
	EXPECT_TRUE(all_bytes(at + 1, 0xaa, PAGE - 1));
}

TEST(spec_032_mapping_of_a_growing_vmo)
{
	zx_handle_t vmo = new_rvmo(PAGE);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_ALLOW_FAULTS, 2 * PAGE, &at));
	EXPECT_EQ(SIGBUS, probe_read(at + PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * PAGE));
	EXPECT_EQ(0, probe_write(at + PAGE, 0xdd));
	EXPECT_TRUE(holds(vmo, 0xdd, PAGE, PAGE + 1));
}

static struct {
	unsigned char *at;
	int down[2], up[2];
} family;

/* The child of a fork touches what its parent resizes. */
static int touch_as_told(void *unused __always_unused)
{
	HOLDS(!probe_write(family.at + PAGE, 1));
	HOLDS(!tell(family.up[1]) && !hear(family.down[0]));
	HOLDS(probe_read(family.at + PAGE) == SIGBUS);
	HOLDS(!probe_read(family.at) && *family.at == 0xaa);
	HOLDS(!tell(family.up[1]) && !hear(family.down[0]));
	HOLDS(!probe_read(family.at + PAGE));
	HOLDS(all_bytes(family.at + PAGE, 0, PAGE));
	return 0;
}

TEST(shrinking_reaches_all_address_spaces)
{
	zx_handle_t vmo = new_rvmo(2 * PAGE);
	pid_t pid;

	ASSERT_EQ(0, pipe(family.down));
	ASSERT_EQ(0, pipe(family.up));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_ALLOW_FAULTS, 2 * PAGE, &family.at));
	*family.at = 0xaa;
	pid = start_child(touch_as_told, NULL);
	close(family.up[1]);
	ASSERT_EQ(0, hear(family.up[0]));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, PAGE));
	ASSERT_EQ(0, tell(family.down[1]));
	ASSERT_EQ(0, hear(family.up[0]));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 2 * PAGE));
	ASSERT_EQ(0, tell(family.down[1]));
	EXPECT_EQ(0, end_child(pid));
}

TEST(every_way_shows_the_zeroed_tail)
{
	zx_handle_t vmo = new_rvmo(2 * PAGE);
	unsigned char *at, *other;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_ALLOW_FAULTS, 2 * PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ | ZX_VM_ALLOW_FAULTS, 2 * PAGE, &other));
	memset(at, 0xaa, 2 * PAGE);
	EXPECT_EQ(0xaa, other[PAGE + 99]);
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, PAGE + 10));
	EXPECT_TRUE(all_bytes(at, 0xaa, PAGE + 10));
	EXPECT_TRUE(all_bytes(at + PAGE + 10, 0, PAGE - 10));
	EXPECT_TRUE(all_bytes(other + PAGE + 10, 0, PAGE - 10));
	EXPECT_TRUE(holds(vmo, 0, PAGE + 10, 2 * PAGE));
}

TEST(resizing_changes_no_signal)
{
	zx_handle_t vmo = new_rvmo(PAGE);
	zx_signals_t observed;

	EXPECT_EQ(ZX_OK, zx_object_signal(vmo, 0, ZX_USER_SIGNAL_3));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 0));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 9 * PAGE));
	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_object_wait_one(vmo, 0, 0, &observed));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN | ZX_USER_SIGNAL_3, observed);
}

TEST_HARNESS_MAIN
