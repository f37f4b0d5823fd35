// SPDX-License-Identifier: GPL-2.0
/*
 * zx_vmar_map, _unmap and _protect on the root region: specification sections
 * 13 to 16 and 28.11.
 */
#include "zx_test.h"

#define ROOT	zx_vmar_root_self()

static zx_status_t map_at(zx_handle_t vmo, zx_vm_option_t options, uint64_t offset,
			  size_t len)
{
	zx_vaddr_t addr;

	return zx_vmar_map(ROOT, options, 0, vmo, offset, len, &addr);
}

/* Map at an address of the caller's choice. */
static zx_status_t map_there(zx_handle_t vmo, zx_vm_option_t options, void *at, size_t len)
{
	zx_info_vmar_t root = { };
	zx_vaddr_t addr = 0;
	zx_status_t status;

	zx_object_get_info(ROOT, ZX_INFO_VMAR, &root, sizeof(root), NULL, NULL);
	status = zx_vmar_map(ROOT, options, (uintptr_t)at - root.base, vmo, 0, len, &addr);
	return status || addr == (uintptr_t)at ? status : ZX_ERR_INTERNAL;
}

static zx_status_t protect(void *at, zx_vm_option_t options, size_t len)
{
	return zx_vmar_protect(ROOT, options, (uintptr_t)at, len);
}

static zx_status_t unmap(void *at, size_t len)
{
	return zx_vmar_unmap(ROOT, (uintptr_t)at, len);
}

TEST(spec_059_discardable_needs_allow_faults)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, ZX_VMO_DISCARDABLE);

	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, map_at(vmo, ZX_VM_PERM_READ, 0, PAGE));
	EXPECT_EQ(ZX_OK, map_at(vmo, ZX_VM_PERM_READ | ZX_VM_ALLOW_FAULTS, 0, PAGE));
}

TEST(spec_097_map_right_and_write_without_read)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t no_map = without_rights(vmo, ZX_RIGHT_MAP);

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, map_at(no_map, 0, 0, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, map_at(no_map, ZX_VM_PERM_WRITE, 1, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_at(vmo, ZX_VM_PERM_WRITE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_at(vmo, ZX_VM_PERM_EXECUTE, 0, PAGE));
	/* Without a permission MAP is enough. */
	EXPECT_EQ(ZX_OK, map_at(with_rights(vmo, ZX_RIGHT_MAP), 0, 0, PAGE));
}

TEST(spec_098_maximum_permission)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t reader = with_rights(vmo, ZX_RIGHT_READ | ZX_RIGHT_MAP);
	zx_handle_t writer = with_rights(vmo, ZX_RIGHT_WRITE | ZX_RIGHT_MAP);
	unsigned char *at;

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, map_vmo(reader, READ_WRITE, PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, map_vmo(writer, READ_WRITE, PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  map_vmo(vmo, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(reader, ZX_VM_PERM_READ, PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, protect(at, READ_WRITE, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  protect(at, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, PAGE));
	EXPECT_EQ(0, probe_read(at));
	EXPECT_EQ(SIGSEGV, probe_write(at, 1));
	/* Taking away and giving back is not raising. */
	EXPECT_EQ(ZX_OK, protect(at, 0, PAGE));
	EXPECT_EQ(SIGSEGV, probe_read(at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, protect(at, READ_WRITE, PAGE));
	EXPECT_EQ(ZX_OK, protect(at, ZX_VM_PERM_READ, PAGE));
	EXPECT_EQ(0, probe_read(at));
	/* From a handle without READ, not even reading can be added. */
	ASSERT_EQ(ZX_OK, map_vmo(writer, 0, PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, protect(at, ZX_VM_PERM_READ, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, protect(at, READ_WRITE, PAGE));
	EXPECT_EQ(SIGSEGV, probe_read(at));
}

TEST(spec_099_protect_after_the_handles)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ, PAGE, &at));
	EXPECT_EQ(SIGSEGV, probe_write(at, 1));
	EXPECT_EQ(ZX_OK, zx_handle_close(vmo));
	EXPECT_EQ(ZX_OK, protect(at, READ_WRITE, PAGE));
	EXPECT_EQ(0, probe_write(at, 0x42));
	EXPECT_EQ(0x42, *at);
}

TEST(spec_100_longer_than_the_vmo)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), empty = new_vmo(0, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 2 * PAGE, &at));
	EXPECT_EQ(0, probe_write(at + PAGE - 1, 1));
	EXPECT_EQ(SIGBUS, probe_read(at + PAGE));
	EXPECT_EQ(SIGBUS, probe_write(at + PAGE, 1));
	ASSERT_EQ(ZX_OK, map_vmo(empty, ZX_VM_PERM_READ, 2 * PAGE, &at));
	EXPECT_EQ(SIGBUS, probe_read(at));
	/* The offset may lie beyond the VMO as well. */
	EXPECT_EQ(ZX_OK, map_at(vmo, ZX_VM_PERM_READ, 8 * PAGE, PAGE));
	/* So it is for a resizable VMO without ALLOW_FAULTS. */
	EXPECT_EQ(ZX_OK, map_at(new_vmo(PAGE, ZX_VMO_RESIZABLE), ZX_VM_PERM_READ, 0, 2 * PAGE));
}

TEST(spec_101_offset_and_length)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_at(vmo, ZX_VM_PERM_READ, 1, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_at(vmo, ZX_VM_PERM_READ, 0, 0));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
		  map_at(vmo, ZX_VM_PERM_READ, 0xfffffffffffff000, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, map_at(vmo, ZX_VM_PERM_READ, 0, UINT64_MAX));
	/* Before the length is looked at, and after the rights. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_at(vmo, ZX_VM_PERM_READ, 1, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  map_at(without_rights(vmo, ZX_RIGHT_READ), ZX_VM_PERM_READ, 1, 0));
}

TEST(spec_102_require_non_resizable)
{
	zx_vm_option_t options = ZX_VM_PERM_READ | ZX_VM_REQUIRE_NON_RESIZABLE;

	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED,
		  map_at(new_vmo(PAGE, ZX_VMO_RESIZABLE), options, 0, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED,
		  map_at(new_vmo(PAGE, ZX_VMO_RESIZABLE), options, 1, 0));
	EXPECT_EQ(ZX_OK, map_at(new_vmo(PAGE, 0), options, 0, PAGE));
	EXPECT_EQ(ZX_OK, map_at(new_vmo(PAGE, ZX_VMO_UNBOUNDED), options, 0, PAGE));
}

TEST(spec_103_map_range)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	unsigned char *at;

	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_at(vmo, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE | ZX_VM_SPECIFIC_OVERWRITE,
			 0, PAGE));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_MAP_RANGE, 4 * PAGE, &at));
	EXPECT_EQ(0, committed(vmo));
	/* Past the end it is cut without a word. */
	EXPECT_EQ(ZX_OK, map_at(vmo, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE, 2 * PAGE, 8 * PAGE));
	EXPECT_EQ(0, committed(vmo));
}

TEST(spec_104_handle_closed)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 2 * PAGE, &at));
	memset(at, 0x11, PAGE);
	EXPECT_EQ(ZX_OK, zx_handle_close(vmo));
	EXPECT_TRUE(all_bytes(at, 0x11, PAGE));
	EXPECT_TRUE(all_bytes(at + PAGE, 0, PAGE));
	memset(at, 0x22, 2 * PAGE);
	EXPECT_TRUE(all_bytes(at, 0x22, 2 * PAGE));
}

TEST(spec_105_counts)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	unsigned char *one, *two;

	EXPECT_EQ(0, info_of(vmo).num_mappings);
	EXPECT_EQ(1, info_of(vmo).share_count);
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 2 * PAGE, &one));
	EXPECT_EQ(1, info_of(vmo).num_mappings);
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ, 2 * PAGE, &two));
	EXPECT_EQ(2, info_of(vmo).num_mappings);
	EXPECT_EQ(1, info_of(vmo).share_count);
	EXPECT_EQ(0, committed(vmo));
	EXPECT_EQ(ZX_OK, unmap(one, 2 * PAGE));
	EXPECT_EQ(1, info_of(vmo).num_mappings);
	EXPECT_EQ(ZX_OK, unmap(two, 2 * PAGE));
	EXPECT_EQ(0, info_of(vmo).num_mappings);
}

TEST(faults_commit_only_what_is_written)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	unsigned char *at, *other;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ, 4 * PAGE, &other));
	EXPECT_TRUE(all_bytes(at, 0, 4 * PAGE));
	EXPECT_TRUE(all_bytes(other, 0, 4 * PAGE));
	EXPECT_EQ(0, committed(vmo));
	at[PAGE + 1] = 5;
	EXPECT_EQ(PAGE, committed(vmo));
	/* Whoever has seen the zero page now sees the VMO's own. */
	EXPECT_EQ(5, other[PAGE + 1]);
	EXPECT_EQ(ZX_OK, put_byte(vmo, 3 * PAGE, 6));
	EXPECT_EQ(6, at[3 * PAGE]);
	EXPECT_EQ(6, other[3 * PAGE]);
	EXPECT_EQ(2 * PAGE, committed(vmo));
}

TEST(spec_150_stale_translations)
{
	zx_handle_t vmo = new_vmo(3 * PAGE, ZX_VMO_RESIZABLE);
	unsigned char *one, *two;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 3 * PAGE, &one));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ, 3 * PAGE, &two));
	/* Both have seen zeros; now the pages come, each by another route. */
	EXPECT_TRUE(all_bytes(one, 0, 3 * PAGE));
	EXPECT_TRUE(all_bytes(two, 0, 3 * PAGE));
	EXPECT_EQ(ZX_OK, put_byte(vmo, 0, 1));
	one[PAGE] = 2;
	EXPECT_EQ(ZX_OK, protect(two, 0, PAGE));
	EXPECT_EQ(ZX_OK, protect(two, READ_WRITE, 3 * PAGE));
	two[2 * PAGE] = 3;
	EXPECT_EQ(1, one[0]);
	EXPECT_EQ(1, two[0]);
	EXPECT_EQ(2, two[PAGE]);
	EXPECT_EQ(3, one[2 * PAGE]);
	EXPECT_EQ(3 * PAGE, committed(vmo));
	/* And what is zeroed is zero everywhere, until it is written again. */
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 0));
	EXPECT_TRUE(all_bytes(one, 0, 3 * PAGE));
	EXPECT_TRUE(all_bytes(two, 0, 3 * PAGE));
	one[PAGE] = 4;
	EXPECT_EQ(4, two[PAGE]);
	EXPECT_TRUE(holds(vmo, 4, PAGE, PAGE + 1));
}

TEST(options_that_map_refuses)
{
	static const zx_vm_option_t bad[] = {
		ZX_VM_COMPACT, ZX_VM_CAN_MAP_SPECIFIC, ZX_VM_CAN_MAP_READ,
		ZX_VM_CAN_MAP_WRITE, ZX_VM_CAN_MAP_EXECUTE, 1 << 16, 1 << 23,
		ZX_VM_FAULT_BEYOND_STREAM_SIZE, 9 << ZX_VM_ALIGN_BASE,
		33 << ZX_VM_ALIGN_BASE, 0xffU << ZX_VM_ALIGN_BASE,
	};
	zx_handle_t vmo = new_vmo(PAGE, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_at(vmo, ZX_VM_PERM_READ | bad[i], 0, PAGE))
			TH_LOG("option %#x", bad[i]);
}

TEST(bad_handles_and_pointers_of_map)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_vaddr_t addr;

	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmar_map(closed_handle(), ZX_VM_PERM_READ, 0, vmo,
						 0, PAGE, &addr));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmar_map(vmo, ZX_VM_PERM_READ, 0, closed_handle(),
						 0, PAGE, &addr));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmar_map(ROOT, ZX_VM_PERM_READ, 0, closed_handle(),
						 0, PAGE, &addr));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmar_map(ROOT, ZX_VM_PERM_READ, 0, ROOT, 0, PAGE,
						 &addr));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_map(ROOT, ZX_VM_PERM_READ, 0, vmo, 0, PAGE,
						   NULL));
	EXPECT_EQ(0, info_of(vmo).num_mappings);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_map(ROOT, ZX_VM_PERM_READ, PAGE, vmo, 0, PAGE,
						   &addr));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_map(ROOT, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 1,
						   vmo, 0, PAGE, &addr));
}

TEST(specific_addresses)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	char *place = anon_pages(4, PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, place);
	memset(place, 0x33, 4 * PAGE);
	EXPECT_EQ(ZX_ERR_ALREADY_EXISTS,
		  map_there(vmo, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, place, PAGE));
	EXPECT_EQ(0x33, place[0]);
	EXPECT_EQ(ZX_OK, map_there(vmo, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE, place + PAGE,
				   2 * PAGE));
	EXPECT_TRUE(all_bytes(place, 0x33, PAGE));
	EXPECT_TRUE(all_bytes(place + PAGE, 0, 2 * PAGE));
	EXPECT_TRUE(all_bytes(place + 3 * PAGE, 0x33, PAGE));
	EXPECT_EQ(ZX_OK, unmap(place + PAGE, 2 * PAGE));
	EXPECT_EQ(ZX_OK, map_there(vmo, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, place + PAGE,
				   2 * PAGE));
}

TEST(alignment)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_vaddr_t addr;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(ZX_OK, zx_vmar_map(ROOT, ZX_VM_PERM_READ | ZX_VM_ALIGN_2MB, 0, vmo,
					     0, PAGE, &addr));
		EXPECT_EQ(0, addr % (2 << 20));
	}
}

TEST(unmap_of_parts)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	memset(at, 0x44, 4 * PAGE);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, unmap(at + 1, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, unmap(at, 0));
	/* The length is rounded up, holes do not matter, and content stays. */
	EXPECT_EQ(ZX_OK, unmap(at + PAGE, 1));
	EXPECT_EQ(SIGSEGV, probe_read(at + PAGE));
	EXPECT_TRUE(all_bytes(at, 0x44, PAGE));
	EXPECT_TRUE(all_bytes(at + 2 * PAGE, 0x44, 2 * PAGE));
	EXPECT_EQ(ZX_OK, unmap(at, 4 * PAGE));
	EXPECT_EQ(ZX_OK, unmap(at, 4 * PAGE));
	EXPECT_TRUE(holds(vmo, 0x44, 0, 4 * PAGE));
	EXPECT_EQ(0, info_of(vmo).num_mappings);
	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  zx_vmar_unmap(closed_handle(), (uintptr_t)at + 1, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmar_unmap(vmo, (uintptr_t)at + 1, 0));
}

TEST(protect_order)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  zx_vmar_protect(closed_handle(), ZX_VM_PERM_READ, (uintptr_t)at, PAGE));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  zx_vmar_protect(vmo, ZX_VM_PERM_READ, (uintptr_t)at, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, protect(at, ZX_VM_PERM_WRITE, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, protect(at + 1, ZX_VM_PERM_READ, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, protect(at, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, protect(at, ZX_VM_PERM_READ, 0));
	EXPECT_EQ(ZX_OK, unmap(at + 2 * PAGE, PAGE));
	/* A failure leaves all permissions as they were. */
	EXPECT_EQ(ZX_ERR_NOT_FOUND, protect(at, ZX_VM_PERM_READ, 4 * PAGE));
	EXPECT_EQ(0, probe_write(at, 1));
	EXPECT_EQ(0, probe_write(at + 3 * PAGE, 1));
	EXPECT_EQ(ZX_OK, protect(at, ZX_VM_PERM_READ, 2 * PAGE));
	EXPECT_EQ(SIGSEGV, probe_write(at + PAGE, 1));
	EXPECT_EQ(0, probe_read(at + PAGE));
}

TEST_HARNESS_MAIN
