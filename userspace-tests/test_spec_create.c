// SPDX-License-Identifier: GPL-2.0
/* Creation and size: specification sections 2, 3 and 28.1. */
#include "zx_test.h"

TEST(spec_001_size_zero)
{
	zx_handle_t vmo;

	ASSERT_EQ(ZX_OK, zx_vmo_create(0, 0, &vmo));
	EXPECT_NE(ZX_HANDLE_INVALID, vmo);
	EXPECT_EQ(0, size_of(vmo));
	EXPECT_EQ(0, stream_size_of(vmo));
}

TEST(spec_002_rounding)
{
	static const struct {
		uint64_t size, rounded;
	} sizes[] = {
		{ 1, 4096 }, { 4096, 4096 }, { 4097, 8192 }, { 4095, 4096 },
		{ 0x7fffffffffffffff, 0x8000000000000000 },
		{ 0x8000000000000001, 0x8000000000001000 },
		{ ZX_VMO_MAX_SIZE - 1, ZX_VMO_MAX_SIZE },
		{ ZX_VMO_MAX_SIZE, ZX_VMO_MAX_SIZE },
	};
	uint32_t options;
	zx_handle_t vmo;
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		options = i % 2 ? ZX_VMO_RESIZABLE : 0;
		ASSERT_EQ(ZX_OK, zx_vmo_create(sizes[i / 2].size, options, &vmo));
		EXPECT_EQ(sizes[i / 2].rounded, size_of(vmo));
		EXPECT_EQ(sizes[i / 2].rounded, info_of(vmo).size_bytes);
		EXPECT_EQ(sizes[i / 2].size, stream_size_of(vmo));
		EXPECT_EQ(0, committed(vmo));
		zx_handle_close(vmo);
	}
}

TEST(spec_003_size_that_wraps)
{
	zx_handle_t vmo = 0x55;

	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(UINT64_MAX, 0, &vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
		  zx_vmo_create(0xfffffffffffff001, ZX_VMO_RESIZABLE, &vmo));
	EXPECT_EQ(0x55, vmo);
}

TEST(spec_004_size_above_max)
{
	zx_handle_t vmo;

	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(0xfffffffffffff000, 0, &vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(ZX_VMO_MAX_SIZE + 1, 0, &vmo));
}

TEST(spec_005_unknown_options)
{
	zx_handle_t vmo;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		uint32_t option = 1U << bit;
		bool known = option == ZX_VMO_RESIZABLE ||
			     option == ZX_VMO_DISCARDABLE ||
			     option == ZX_VMO_UNBOUNDED;

		EXPECT_EQ(known ? ZX_OK : ZX_ERR_INVALID_ARGS,
			  zx_vmo_create(4096, option, &vmo));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmo_create(4096, option | ZX_VMO_TRAP_DIRTY, &vmo));
	}
	EXPECT_EQ(ZX_OK, zx_vmo_create(1, ZX_VMO_RESIZABLE | ZX_VMO_DISCARDABLE, &vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_create(1, ZX_VMO_UNBOUNDED | ZX_VMO_DISCARDABLE, &vmo));
}

TEST(spec_006_resizable_and_unbounded)
{
	static const uint64_t sizes[] = { 0, 1, 4096, ZX_VMO_MAX_SIZE, UINT64_MAX };
	zx_handle_t vmo;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_vmo_create(sizes[i], ZX_VMO_RESIZABLE | ZX_VMO_UNBOUNDED, &vmo));
}

TEST(spec_007_wrap_is_tested_before_options)
{
	zx_handle_t vmo;

	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(UINT64_MAX, 0x80000000, &vmo));
	/* Above the maximum without wrapping: the options come first. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_vmo_create(0xfffffffffffff000, 0x80000000, &vmo));
	/* With UNBOUNDED the size is no size, and cannot wrap. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_vmo_create(UINT64_MAX, ZX_VMO_UNBOUNDED | 0x80000000, &vmo));
}

TEST(spec_008_unbounded)
{
	zx_handle_t vmo = new_vmo(5, ZX_VMO_UNBOUNDED);

	ASSERT_NE(ZX_HANDLE_INVALID, vmo);
	EXPECT_EQ(ZX_VMO_MAX_SIZE, size_of(vmo));
	EXPECT_EQ(5, stream_size_of(vmo));
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS, info_of(vmo).handle_rights);
	EXPECT_EQ(ZX_ERR_UNAVAILABLE, zx_vmo_set_size(vmo, 4096));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_size(vmo, UINT64_MAX));

	vmo = new_vmo(ZX_VMO_MAX_SIZE, ZX_VMO_UNBOUNDED);
	EXPECT_EQ(ZX_VMO_MAX_SIZE, stream_size_of(vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
		  zx_vmo_create(ZX_VMO_MAX_SIZE + 1, ZX_VMO_UNBOUNDED, &vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(UINT64_MAX, ZX_VMO_UNBOUNDED, &vmo));
}

TEST(spec_009_rights)
{
	zx_info_handle_basic_t basic;

	memset(&basic, 0xff, sizeof(basic));
	ASSERT_EQ(ZX_OK, zx_object_get_info(new_vmo(1, 0), ZX_INFO_HANDLE_BASIC,
					    &basic, sizeof(basic), NULL, NULL));
	EXPECT_EQ(0xd0ef, basic.rights);
	EXPECT_EQ(ZX_OBJ_TYPE_VMO, basic.type);
	EXPECT_EQ(0, basic.related_koid);
	EXPECT_EQ(0, basic.reserved);
	EXPECT_TRUE(all_bytes(basic.padding1, 0, sizeof(basic.padding1)));

	ASSERT_EQ(ZX_OK, zx_object_get_info(new_vmo(1, ZX_VMO_RESIZABLE),
					    ZX_INFO_HANDLE_BASIC,
					    &basic, sizeof(basic), NULL, NULL));
	EXPECT_EQ(0x40d0ef, basic.rights);
	EXPECT_EQ(ZX_OBJ_TYPE_VMO, basic.type);
}

TEST(spec_010_bad_out)
{
	char *constant = anon_pages(1, PROT_READ);
	unsigned int fds;

	/* The library may open what it needs at the first call. */
	new_vmo(1, 0);
	fds = count_fds();
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_create(4096, 0, NULL));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_create(4096, 0, (zx_handle_t *)constant));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_vmo_create(4096, 0, (zx_handle_t *)((char *)page_before_hole() + PAGE)));
	EXPECT_EQ(fds, count_fds());
	/* The pointer is the last thing that is looked at. */
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_create(UINT64_MAX, 0, NULL));
	EXPECT_EQ(fds, count_fds());
}

TEST(spec_011_koids)
{
	uint64_t koids[8];
	zx_handle_t vmo;
	int i, j;

	for (i = 0; i < 8; i++) {
		vmo = new_vmo(4096, 0);
		koids[i] = info_of(vmo).koid;
		EXPECT_LE(ZX_KOID_FIRST, koids[i]);
		EXPECT_EQ(0, koids[i] >> 63);
		for (j = 0; j < i; j++)
			EXPECT_NE(koids[i], koids[j]);
		/* Not used again, even when the object is gone. */
		if (i % 2)
			zx_handle_close(vmo);
	}
}

TEST(spec_012_get_size_needs_no_right)
{
	zx_handle_t vmo = new_vmo(5000, 0);
	zx_handle_t none = with_rights(vmo, ZX_RIGHT_NONE);
	uint64_t size;

	ASSERT_NE(ZX_HANDLE_INVALID, none);
	EXPECT_EQ(ZX_OK, zx_vmo_get_size(none, &size));
	EXPECT_EQ(8192, size);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_get_size(none, NULL));
	EXPECT_EQ(ZX_OK, zx_vmo_get_stream_size(none, &size));
	EXPECT_EQ(5000, size);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_get_stream_size(none, NULL));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(closed_handle(), NULL));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_get_size(ZX_HANDLE_INVALID, &size));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_get_size(zx_vmar_root_self(), &size));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_get_stream_size(zx_vmar_root_self(), &size));
}

TEST(state_after_creation)
{
	zx_handle_t vmo = new_vmo(3 * PAGE, 0);
	zx_info_vmo_t info = info_of(vmo);
	zx_signals_t observed = 0;

	EXPECT_TRUE(holds(vmo, 0, 0, 3 * PAGE));
	EXPECT_TRUE(all_bytes(info.name, 0, ZX_MAX_NAME_LEN));
	EXPECT_EQ(0, info.parent_koid);
	EXPECT_EQ(0, info.num_children);
	EXPECT_EQ(0, info.num_mappings);
	EXPECT_EQ(1, info.share_count);
	EXPECT_EQ(0, info.committed_bytes);
	EXPECT_EQ(ZX_CACHE_POLICY_CACHED, info.cache_policy);
	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_object_wait_one(vmo, 0, 0, &observed));
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, observed);
}

TEST(creation_keeps_nothing)
{
	int round;

	/* More than the table of descriptors holds, so none may be left. */
	for (round = 0; round < 1500; round++)
		ASSERT_EQ(ZX_OK, zx_handle_close(new_vmo(ZX_VMO_MAX_SIZE, 0)));
}

TEST_HARNESS_MAIN
