// SPDX-License-Identifier: GPL-2.0
/* Handle calls: specification sections 18, 28.12 and 28.19. */
#include <sys/resource.h>

#include "zx_test.h"

static uint32_t handle_count(zx_handle_t handle)
{
	zx_info_handle_count_t count = { UINT32_MAX };

	zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL, NULL);
	return count.handle_count;
}

TEST(spec_107_duplicate_needs_a_right_replace_does_not)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t handle = without_rights(vmo, ZX_RIGHT_DUPLICATE), out = 0;
	uint64_t koid = info_of(vmo).koid;

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_handle_duplicate(handle, ZX_RIGHT_SAME_RIGHTS, &out));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_handle_duplicate(handle, ZX_RIGHT_NONE, &out));
	/* Before the rights that are asked for. */
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_handle_duplicate(handle, ZX_RIGHT_EXECUTE, &out));
	EXPECT_EQ(ZX_OK, zx_handle_replace(handle, ZX_RIGHT_READ | ZX_RIGHT_INSPECT, &out));
	EXPECT_EQ(ZX_RIGHT_READ | ZX_RIGHT_INSPECT, info_of(out).handle_rights);
	EXPECT_EQ(koid, info_of(out).koid);
	EXPECT_EQ(2, handle_count(out));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close(handle));
}

TEST(spec_108_more_rights_than_the_source)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), handle, out = 0x57;

	handle = without_rights(vmo, ZX_RIGHT_WRITE);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_duplicate(handle, ZX_RIGHT_WRITE, &out));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_duplicate(handle, ZX_RIGHT_READ | ZX_RIGHT_WRITE,
							   &out));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_duplicate(vmo, ZX_RIGHT_EXECUTE, &out));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_duplicate(vmo, ZX_RIGHT_RESIZE, &out));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_duplicate(vmo, 1U << 30, &out));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_READ, &out));
	EXPECT_EQ(ZX_OK, zx_handle_check_valid(handle));
	EXPECT_EQ(2, handle_count(vmo));
	/* Replace takes the source away even so, and writes nothing. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_replace(handle, ZX_RIGHT_WRITE, &out));
	EXPECT_EQ(0x57, out);
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(handle));
	EXPECT_EQ(1, handle_count(vmo));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_handle_replace(without_rights(vmo, 0), ZX_RIGHT_SAME_RIGHTS | ZX_RIGHT_READ,
				    &out));
	EXPECT_EQ(1, handle_count(vmo));
}

TEST(replace_in_place)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	uint64_t koid = info_of(vmo).koid;

	EXPECT_EQ(ZX_OK, zx_handle_replace(vmo, ZX_RIGHT_SAME_RIGHTS, &vmo));
	EXPECT_EQ(koid, info_of(vmo).koid);
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS, info_of(vmo).handle_rights);
	EXPECT_EQ(1, handle_count(vmo));
	EXPECT_EQ(ZX_OK, zx_handle_replace(vmo, ZX_RIGHT_NONE, &vmo));
	EXPECT_EQ(0, info_of(vmo).handle_rights);
	EXPECT_EQ(PAGE, size_of(vmo));
}

TEST(rights_of_duplicates)
{
	zx_handle_t vmo = new_vmo(PAGE, ZX_VMO_RESIZABLE), handle;
	int bit;

	for (bit = 0; bit < 31; bit++) {
		zx_rights_t right = 1U << bit;
		bool held = 0x40d0ef & right;

		EXPECT_EQ(held ? ZX_OK : ZX_ERR_INVALID_ARGS,
			  zx_handle_duplicate(vmo, right, &handle));
		if (!held)
			continue;
		EXPECT_EQ(right, info_of(handle).handle_rights);
		zx_handle_close(handle);
	}
	EXPECT_EQ(ZX_OK, zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, &handle));
	EXPECT_EQ(0x40d0ef, info_of(handle).handle_rights);
	EXPECT_EQ(ZX_OK, zx_handle_duplicate(vmo, ZX_RIGHT_NONE, &handle));
	EXPECT_EQ(0, info_of(handle).handle_rights);
	EXPECT_EQ(ZX_OK, zx_handle_close(handle));
}

TEST(bad_handles_and_pointers)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), out;

	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_duplicate(closed_handle(), 0, &out));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_duplicate(ZX_HANDLE_INVALID, 0, &out));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_replace(closed_handle(), 1U << 30, &out));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS, NULL));
	EXPECT_EQ(1, handle_count(vmo));
}

TEST(spec_109_close)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), out;

	EXPECT_EQ(ZX_OK, zx_handle_close(ZX_HANDLE_INVALID));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_object_get_child(vmo, 1, ZX_RIGHT_SAME_RIGHTS, &out));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  zx_object_get_child(closed_handle(), 1, ZX_RIGHT_SAME_RIGHTS, &out));
	EXPECT_EQ(ZX_OK, zx_handle_close(vmo));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close(vmo));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close(UINT32_MAX));
	/* No right is needed. */
	vmo = with_rights(new_vmo(PAGE, 0), ZX_RIGHT_NONE);
	EXPECT_EQ(ZX_OK, zx_handle_close(vmo));
}

TEST(spec_110_close_many)
{
	zx_handle_t a = new_vmo(PAGE, 0), b = new_vmo(PAGE, 0);
	zx_handle_t three[] = { a, closed_handle(), b };
	zx_handle_t twice[2], zeros[2] = { 0, 0 };

	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close_many(three, 3));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(a));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(b));
	a = new_vmo(PAGE, 0);
	twice[0] = a;
	twice[1] = a;
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close_many(twice, 2));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(a));
	EXPECT_EQ(ZX_OK, zx_handle_close_many(zeros, 2));
	EXPECT_EQ(ZX_OK, zx_handle_close_many(NULL, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_close_many(NULL, 1));
}

TEST(spec_187_close_many_of_many)
{
	static zx_handle_t list[5000];
	struct rlimit limit;
	size_t bad, i, step;
	unsigned int fds;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	zx_handle_close(new_vmo(0, 0));
	fds = count_fds();
	step = limit.rlim_cur < 2 * ARRAY_SIZE(list) ? ARRAY_SIZE(list) / 200 : 10;
	for (bad = 0; bad <= ARRAY_SIZE(list); bad += ARRAY_SIZE(list) / 2) {
		memset(list, 0, sizeof(list));
		for (i = 0; i < ARRAY_SIZE(list); i += step) {
			list[i] = new_vmo(0, 0);
			ASSERT_NE(ZX_HANDLE_INVALID, list[i]);
		}
		/* The last round has no bad entry. */
		if (bad < ARRAY_SIZE(list))
			list[bad + 1] = UINT32_MAX;
		EXPECT_EQ(bad < ARRAY_SIZE(list) ? ZX_ERR_BAD_HANDLE : ZX_OK,
			  zx_handle_close_many(list, ARRAY_SIZE(list)));
		for (i = 0; i < ARRAY_SIZE(list); i += step)
			ASSERT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(list[i]));
		EXPECT_EQ(fds, count_fds());
	}
}

TEST(spec_188_check_valid)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_check_valid(ZX_HANDLE_INVALID));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(closed_handle()));
	EXPECT_EQ(ZX_OK, zx_handle_check_valid(vmo));
	EXPECT_EQ(ZX_OK, zx_handle_check_valid(with_rights(vmo, ZX_RIGHT_NONE)));
	EXPECT_EQ(ZX_OK, zx_object_get_info(zx_vmar_root_self(), ZX_INFO_HANDLE_VALID,
					    NULL, 0, NULL, NULL));
	EXPECT_EQ(ZX_OK, zx_handle_check_valid(zx_vmar_root_self()));
	/* The library's handles have the fixed bits that Zircon's have. */
	EXPECT_EQ(ZX_HANDLE_FIXED_BITS_MASK, vmo & ZX_HANDLE_FIXED_BITS_MASK);
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_handle_check_valid(vmo & ~1U));
}

static zx_handle_t inherited;

static int use_inherited(void *unused __always_unused)
{
	HOLDS(!put_byte(inherited, 0, 0x66));
	HOLDS(!zx_handle_close(inherited));
	HOLDS(zx_handle_check_valid(inherited) == ZX_ERR_NOT_FOUND);
	return 0;
}

TEST(a_child_of_fork_has_the_handles)
{
	inherited = new_vmo(PAGE, 0);
	EXPECT_EQ(0, in_child(use_inherited, NULL));
	/* What the child closed is the child's affair. */
	EXPECT_EQ(ZX_OK, zx_handle_check_valid(inherited));
	EXPECT_TRUE(holds(inherited, 0x66, 0, 1));
}

TEST_HARNESS_MAIN
