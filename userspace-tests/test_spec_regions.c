// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of the address space: zx_vmar_allocate, and what may be mapped where
 * in sub-regions; specification sections 13 and 17.1.
 */
#include "zx_region_test.h"

TEST(spec_191_as_large_as_the_region)
{
	struct region region = new_region(ROOT, CAN_RW, 8);
	zx_handle_t vmo = new_vmo(8 * PAGE, 0);
	unsigned char *at;

	ASSERT_NE(ZX_HANDLE_INVALID, region.handle);
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE, 0, vmo, 8, &at));
	EXPECT_EQ(region.base, (uintptr_t)at);
	EXPECT_EQ(0, probe_write(at + 7 * PAGE, 1));
	EXPECT_EQ(1, info_of(vmo).num_mappings);
	EXPECT_EQ(ZX_OK, zx_vmar_destroy(region.handle));
	EXPECT_EQ(0, info_of(vmo).num_mappings);
	EXPECT_EQ(SIGSEGV, probe_read(at));
	EXPECT_TRUE(is_free(region.base, 8));
	/* The handle is still one. */
	EXPECT_EQ(ZX_OK, zx_handle_check_valid(region.handle));
	EXPECT_EQ(region.base, bounds(region.handle).base);
	EXPECT_EQ(ZX_ERR_BAD_STATE, map_in(region.handle, READ_WRITE, 0, vmo, 8, &at));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_unmap(region.handle, region.base, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE,
		  zx_vmar_protect(region.handle, ZX_VM_PERM_READ, region.base, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_op_range(region.handle, ZX_VMAR_OP_COMMIT,
						     region.base, PAGE, NULL, 0));
	EXPECT_EQ(ZX_ERR_BAD_STATE, allocate(region.handle, CAN_RW, 0, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_destroy(region.handle));
	/* What comes before, and what comes after. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(region.handle, region.base + 1, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_unmap(region.handle, 0, PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmar_op_range(region.handle, ZX_VMAR_OP_COMMIT, 0,
							PAGE, NULL, 0));
	EXPECT_EQ(ZX_ERR_BAD_STATE, map_in(region.handle, READ_WRITE, 1, vmo, 0, &at));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmar_map(region.handle, READ_WRITE, 0, vmo,
						   0xfffffffffffff000, 2 * PAGE,
						   (zx_vaddr_t[]){ 0 }));
	EXPECT_EQ(ZX_OK, zx_handle_close(region.handle));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmar_destroy(region.handle));
}

TEST(spec_164_buffer_in_an_empty_region)
{
	struct region region = new_region(ROOT, CAN_ALL, 4);
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	unsigned char *at;

	ASSERT_NE(ZX_HANDLE_INVALID, region.handle);
	EXPECT_TRUE(is_reserved(vmo, region.base, 4));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_read(vmo, (void *)region.base, 1, 4 * PAGE));
	/* Good at first, and then only reserved. */
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 0, vmo, 1, &at));
	EXPECT_EQ(ZX_OK, zx_vmo_read(vmo, at, PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_read(vmo, at, PAGE, PAGE + 1));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmo_write(vmo, at, PAGE, PAGE + 1));
	/* Mapped without a permission is another thing. */
	ASSERT_EQ(ZX_OK, map_in(region.handle, ZX_VM_SPECIFIC, PAGE, vmo, 1, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_read(vmo, at, 0, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_write(vmo, at, 0, 1));
	EXPECT_EQ(ZX_OK, zx_vmar_unmap(region.handle, region.base, 2 * PAGE));
	EXPECT_TRUE(is_reserved(vmo, region.base, 4));
	/* Results cannot be stored there either, nor does Linux see memory. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmo_get_size(vmo, (uint64_t *)region.base));
	EXPECT_EQ(-1, mprotect((void *)region.base, PAGE, PROT_READ));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, write(1, (void *)region.base, 1));
	EXPECT_EQ(EFAULT, errno);
}

TEST(allocate_options)
{
	static const zx_vm_option_t bad[] = {
		ZX_VM_PERM_READ, ZX_VM_PERM_WRITE, ZX_VM_PERM_EXECUTE, ZX_VM_SPECIFIC_OVERWRITE,
		ZX_VM_MAP_RANGE, ZX_VM_REQUIRE_NON_RESIZABLE, ZX_VM_ALLOW_FAULTS,
		ZX_VM_PERM_READ_IF_XOM_UNSUPPORTED, ZX_VM_FAULT_BEYOND_STREAM_SIZE,
		1U << 16, 1U << 23, 1U << 24, 33U << 24,
	};
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_vaddr_t addr;
	zx_handle_t child;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, allocate(ROOT, bad[i], 0, PAGE))
			TH_LOG("option %#x", bad[i]);
	EXPECT_EQ(ZX_OK, allocate(ROOT, 0, 0, PAGE));
	EXPECT_EQ(ZX_OK, allocate(ROOT, ZX_VM_COMPACT | ZX_VM_CAN_MAP_EXECUTE, 0, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, allocate(closed_handle(), ~0U, 1, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, allocate(vmo, ~0U, 1, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  allocate(without_rights(ROOT, ZX_RIGHT_WRITE), CAN_RW | 1, 1, 0));
	EXPECT_EQ(ZX_OK, allocate(without_rights(ROOT, ZX_RIGHT_WRITE), ZX_VM_CAN_MAP_READ, 0,
				  PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, allocate(ROOT, 0, 0, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, allocate(ROOT, 0, 0, PAGE + 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, allocate(ROOT, 0, PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, allocate(ROOT, ZX_VM_SPECIFIC, 1, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  allocate(ROOT, ZX_VM_SPECIFIC | ZX_VM_OFFSET_IS_UPPER_LIMIT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, allocate(ROOT, 0, 0, 1UL << 62));
	EXPECT_EQ(ZX_ERR_NO_RESOURCES, allocate(ROOT, 0, 0, bounds(ROOT).len));
	/* Bad results leave nothing behind. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_allocate(ROOT, 0, 0, PAGE, NULL, &addr));
	EXPECT_TRUE(is_free(addr, 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_allocate(ROOT, 0, 0, PAGE, &child, NULL));
}

TEST(allocate_places)
{
	struct region outer = new_region(ROOT, CAN_ALL, 1024), inner;
	zx_vaddr_t root = bounds(ROOT).base, addr;
	zx_handle_t vmo = new_vmo(PAGE, 0), handle;
	unsigned char *at;

	ASSERT_NE(ZX_HANDLE_INVALID, outer.handle);
	EXPECT_EQ(outer.base, bounds(outer.handle).base);
	EXPECT_EQ(1024 * PAGE, bounds(outer.handle).len);
	EXPECT_EQ(ZX_ERR_ALREADY_EXISTS,
		  allocate(ROOT, ZX_VM_SPECIFIC, outer.base - root + PAGE, PAGE));
	EXPECT_EQ(ZX_OK, zx_vmar_allocate(outer.handle, CAN_ALL | ZX_VM_SPECIFIC, 4 * PAGE,
					  4 * PAGE, &handle, &addr));
	EXPECT_EQ(outer.base + 4 * PAGE, addr);
	EXPECT_EQ(ZX_ERR_ALREADY_EXISTS,
		  allocate(outer.handle, ZX_VM_SPECIFIC, 7 * PAGE, 2 * PAGE));
	EXPECT_EQ(ZX_OK, allocate(outer.handle, ZX_VM_SPECIFIC, 8 * PAGE, 2 * PAGE));
	ASSERT_EQ(ZX_OK, map_in(outer.handle, ZX_VM_PERM_READ | ZX_VM_SPECIFIC, 8 * PAGE, vmo, 1,
				&at));
	EXPECT_EQ(ZX_ERR_ALREADY_EXISTS,
		  allocate(outer.handle, ZX_VM_SPECIFIC, 8 * PAGE, 2 * PAGE));
	/* Below a limit there are four pages in one piece, at the bottom. */
	EXPECT_EQ(ZX_OK, zx_vmar_allocate(outer.handle, ZX_VM_OFFSET_IS_UPPER_LIMIT, 8 * PAGE,
					  4 * PAGE, &inner.handle, &inner.base));
	EXPECT_EQ(outer.base, inner.base);
	EXPECT_EQ(ZX_ERR_NO_RESOURCES,
		  allocate(outer.handle, ZX_VM_OFFSET_IS_UPPER_LIMIT, 9 * PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  allocate(outer.handle, ZX_VM_OFFSET_IS_UPPER_LIMIT, PAGE, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  allocate(outer.handle, ZX_VM_OFFSET_IS_UPPER_LIMIT, 1025 * PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, allocate(outer.handle, ZX_VM_SPECIFIC, 1024 * PAGE, PAGE));
	ASSERT_EQ(ZX_OK, zx_vmar_allocate(outer.handle, ZX_VM_ALIGN_1MB, 0, PAGE, &handle, &addr));
	EXPECT_EQ(0, addr % (1 << 20));
	ASSERT_EQ(ZX_OK, zx_vmar_allocate(ROOT, ZX_VM_ALIGN_1GB, 0, PAGE, &handle, &addr));
	EXPECT_EQ(0, addr % (1 << 30));
	/* Without CAN_MAP_SPECIFIC there are no wishes. */
	inner = new_region(ROOT, CAN_RW, 4);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, allocate(inner.handle, ZX_VM_SPECIFIC, 0, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  allocate(inner.handle, ZX_VM_OFFSET_IS_UPPER_LIMIT, 4 * PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, allocate(inner.handle, ZX_VM_SPECIFIC, 1, PAGE));
	EXPECT_EQ(ZX_OK, allocate(inner.handle, CAN_ALL, 0, 4 * PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, allocate(inner.handle, ZX_VM_CAN_MAP_EXECUTE, 0, PAGE));
}

TEST(rights_and_information)
{
	struct region region = new_region(ROOT, ZX_VM_CAN_MAP_READ, 4), other;
	zx_handle_t vmo = new_vmo(4 * PAGE, 0), dup, replaced;
	zx_info_handle_basic_t basic, second;
	zx_info_handle_count_t count;
	unsigned char *at;
	uint64_t size;

	ASSERT_EQ(ZX_OK, zx_object_get_info(region.handle, ZX_INFO_HANDLE_BASIC, &basic,
					    sizeof(basic), NULL, NULL));
	EXPECT_EQ(ZX_DEFAULT_VMAR_RIGHTS | ZX_RIGHT_READ, basic.rights);
	EXPECT_EQ(ZX_OBJ_TYPE_VMAR, basic.type);
	other = new_region(ROOT, 0, 1);
	ASSERT_EQ(ZX_OK, zx_object_get_info(other.handle, ZX_INFO_HANDLE_BASIC, &second,
					    sizeof(second), NULL, NULL));
	EXPECT_EQ(ZX_DEFAULT_VMAR_RIGHTS, second.rights);
	EXPECT_NE(basic.koid, second.koid);
	ASSERT_EQ(ZX_OK, zx_object_get_info(ROOT, ZX_INFO_HANDLE_BASIC, &second,
					    sizeof(second), NULL, NULL));
	EXPECT_NE(basic.koid, second.koid);
	dup = with_rights(region.handle, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_EQ(ZX_OK, zx_object_get_info(dup, ZX_INFO_HANDLE_COUNT, &count, sizeof(count),
					    NULL, NULL));
	EXPECT_EQ(2, count.handle_count);
	ASSERT_EQ(ZX_OK, zx_handle_replace(dup, ZX_RIGHT_INSPECT, &replaced));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close(dup));
	EXPECT_EQ(region.base, bounds(replaced).base);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmar_destroy(replaced));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, zx_vmar_destroy(ROOT));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_vmar_destroy(without_rights(ROOT, ZX_RIGHT_OP_CHILDREN)));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmar_destroy(vmo));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_get_size(region.handle, &size));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_read(replaced, &size, 0, 1));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, map_vmo(region.handle, 0, PAGE, &at));
	/* CAN_MAP_READ alone: nothing in it can ever be written. */
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, map_in(region.handle, READ_WRITE, 0, vmo, 4, &at));
	ASSERT_EQ(ZX_OK, map_in(region.handle, ZX_VM_PERM_READ, 0, vmo, 4, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_vmar_protect(region.handle, READ_WRITE, (uintptr_t)at, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmar_protect(ROOT, READ_WRITE, (uintptr_t)at, PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmar_op_range(ROOT, ZX_VMAR_OP_COMMIT, (uintptr_t)at,
							 PAGE, NULL, 0));
	/* Closing the last handle leaves it all in place. */
	EXPECT_EQ(ZX_OK, zx_handle_close(region.handle));
	EXPECT_EQ(ZX_OK, zx_handle_close(replaced));
	EXPECT_EQ(0, probe_read(at));
	EXPECT_EQ(ZX_ERR_ALREADY_EXISTS, allocate(ROOT, ZX_VM_SPECIFIC,
						  region.base - bounds(ROOT).base, PAGE));
	EXPECT_EQ(ZX_OK, zx_vmar_unmap(ROOT, region.base, 4 * PAGE));
	EXPECT_TRUE(is_free(region.base, 4));
}

TEST(mapping_inside)
{
	struct region region = new_region(ROOT, CAN_ALL, 16);
	zx_handle_t vmo = new_vmo(16 * PAGE, 0);
	unsigned char *at, *low;
	zx_vaddr_t addr;
	int i;

	ASSERT_EQ(ZX_OK, fill(vmo, 4, 16));
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 2 * PAGE, vmo, 2,
				&at));
	EXPECT_EQ(region.base + 2 * PAGE, (uintptr_t)at);
	EXPECT_EQ(ZX_ERR_ALREADY_EXISTS,
		  map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 3 * PAGE, vmo, 2, &low));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 15 * PAGE, vmo, 2, &low));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 1, vmo, 2, &low));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_in(region.handle, READ_WRITE, PAGE, vmo, 2, &low));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, map_in(region.handle, READ_WRITE, 0, vmo, 17, &low));
	EXPECT_EQ(ZX_ERR_NO_RESOURCES, map_in(region.handle, READ_WRITE, 0, vmo, 13, &low));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_in(region.handle, READ_WRITE | ZX_VM_CAN_MAP_READ, 0, vmo, 1, &low));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_in(region.handle, READ_WRITE | ZX_VM_MAP_RANGE | ZX_VM_SPECIFIC_OVERWRITE,
			 0, vmo, 1, &low));
	/* Two pages at the bottom are free below the limit. */
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_OFFSET_IS_UPPER_LIMIT, 4 * PAGE,
				vmo, 2, &low));
	EXPECT_EQ(region.base, (uintptr_t)low);
	/* Replaces what is mapped and what is only reserved. */
	ASSERT_EQ(ZX_OK, zx_vmar_map(region.handle, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE,
				     3 * PAGE, vmo, 8 * PAGE, 2 * PAGE, &addr));
	EXPECT_EQ(region.base + 3 * PAGE, addr);
	at[PAGE] = 5;
	EXPECT_TRUE(holds(vmo, 5, 8 * PAGE, 8 * PAGE + 1));
	EXPECT_EQ(4, at[0]);
	/* The bad result takes the mapping away, and the addresses stay. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_vmar_map(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 5 * PAGE, vmo, 0, PAGE,
			      NULL));
	EXPECT_TRUE(is_reserved(vmo, region.base + 5 * PAGE, 1));
	EXPECT_EQ(3, info_of(vmo).num_mappings);
	/* With alignment, and with pages entered at once. */
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_ALIGN_8KB | ZX_VM_MAP_RANGE, 0,
				vmo, 2, &at));
	EXPECT_EQ(0, (uintptr_t)at % (2 * PAGE));
	EXPECT_GE((uintptr_t)at, region.base + 5 * PAGE);
	/* Fill it to the last page. */
	for (i = 0; i < 9; i++)
		ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE, 0, vmo, 1, &at));
	EXPECT_EQ(ZX_ERR_NO_RESOURCES, map_in(region.handle, READ_WRITE, 0, vmo, 1, &at));
	EXPECT_EQ(ZX_OK, zx_vmar_unmap(region.handle, region.base + 7 * PAGE, PAGE));
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE, 0, vmo, 1, &at));
	EXPECT_EQ(region.base + 7 * PAGE, (uintptr_t)at);
	/* Without CAN_MAP_SPECIFIC. */
	region = new_region(ROOT, CAN_RW, 4);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 0, vmo, 1, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE, 9 * PAGE, vmo, 1,
			 &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 1, vmo, 1, &at));
}

TEST(map_range_inside)
{
	struct region region = new_region(ROOT, CAN_RW, 4);
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);
	uint64_t entry = 0;
	unsigned char *at;
	int fd;

	ASSERT_EQ(ZX_OK, put_byte(vmo, PAGE, 1));
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_MAP_RANGE, 0, vmo, 4, &at));
	fd = open("/proc/self/pagemap", O_RDONLY);
	ASSERT_EQ(8, pread(fd, &entry, 8, ((uintptr_t)at / PAGE + 1) * 8));
	EXPECT_EQ(1, entry >> 63);
	EXPECT_EQ(PAGE, committed(vmo));
}

TEST_HARNESS_MAIN
