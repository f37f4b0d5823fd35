// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of the address space: zx_vmar_allocate, zx_vmar_destroy, and mapping,
 * unmapping and protecting in sub-regions; specification sections 13 to 17.1.
 */
#include "zx_test.h"

#include <pthread.h>

#define ROOT	zx_vmar_root_self()
#define CAN_RW	(ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE)
#define CAN_ALL	(CAN_RW | ZX_VM_CAN_MAP_SPECIFIC)

struct region {
	zx_handle_t handle;
	zx_vaddr_t base;
};

/* A region in another; its handle is ZX_HANDLE_INVALID if there is none. */
static struct region new_region(zx_handle_t parent, zx_vm_option_t options, size_t pages)
{
	struct region region = { };

	if (zx_vmar_allocate(parent, options, 0, pages * PAGE, &region.handle, &region.base))
		region.handle = ZX_HANDLE_INVALID;
	return region;
}

static zx_status_t allocate(zx_handle_t parent, zx_vm_option_t options, uint64_t offset,
			    uint64_t size)
{
	struct region region = { };
	zx_status_t status;

	status = zx_vmar_allocate(parent, options, offset, size, &region.handle, &region.base);
	if (!status)
		zx_vmar_destroy(region.handle);
	zx_handle_close(region.handle);
	return status;
}

static zx_info_vmar_t bounds(zx_handle_t region)
{
	zx_info_vmar_t info;

	if (zx_object_get_info(region, ZX_INFO_VMAR, &info, sizeof(info), NULL, NULL))
		memset(&info, 0xff, sizeof(info));
	return info;
}

static zx_status_t map_in(zx_handle_t region, zx_vm_option_t options, size_t offset,
			  zx_handle_t vmo, size_t pages, unsigned char **at)
{
	zx_vaddr_t addr;
	zx_status_t status;

	status = zx_vmar_map(region, options, offset, vmo, 0, pages * PAGE, &addr);
	if (!status)
		*at = (unsigned char *)addr;
	return status;
}

/* What the kernel says that is mapped there is no memory, and all reserved. */
static bool is_reserved(zx_handle_t vmo, zx_vaddr_t at, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++) {
		void *page = (void *)(at + i * PAGE);

		if (probe_read(page) != SIGSEGV || probe_write(page, 1) != SIGSEGV ||
		    zx_vmo_read(vmo, page, 0, 1) != ZX_ERR_NOT_FOUND ||
		    zx_vmo_write(vmo, page, 0, 1) != ZX_ERR_NOT_FOUND ||
		    mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED || errno != EEXIST)
			return false;
	}
	return true;
}

static bool is_free(zx_vaddr_t at, size_t pages)
{
	void *found = mmap((void *)at, pages * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_FIXED_NOREPLACE, -1, 0);

	return found != MAP_FAILED && !munmap(found, pages * PAGE);
}

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

TEST(unmapping_leaves_the_reservation)
{
	struct region region = new_region(ROOT, CAN_ALL, 8), inner;
	zx_handle_t no_children = without_rights(region.handle, ZX_RIGHT_OP_CHILDREN);
	zx_handle_t vmo = new_vmo(8 * PAGE, 0);
	unsigned char *at, *inside;

	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 0, vmo, 4, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(region.handle, region.base - PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(region.handle, region.base, 9 * PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(region.handle, region.base, 0));
	EXPECT_EQ(ZX_OK, zx_vmar_unmap(region.handle, region.base + PAGE, 1));
	EXPECT_TRUE(is_reserved(vmo, region.base + PAGE, 1));
	EXPECT_EQ(0, probe_read(at));
	EXPECT_EQ(0, probe_read(at + 2 * PAGE));
	EXPECT_EQ(2, info_of(vmo).num_mappings);
	EXPECT_EQ(ZX_OK, zx_vmar_unmap(region.handle, region.base, 8 * PAGE));
	EXPECT_EQ(0, info_of(vmo).num_mappings);
	EXPECT_TRUE(is_reserved(vmo, region.base, 8));
	/* A region in the way. */
	ASSERT_EQ(ZX_OK, zx_vmar_allocate(region.handle, CAN_RW | ZX_VM_SPECIFIC, 2 * PAGE,
					  2 * PAGE, &inner.handle, &inner.base));
	ASSERT_EQ(ZX_OK, map_in(inner.handle, READ_WRITE, 0, vmo, 2, &inside));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(region.handle, region.base, 3 * PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(region.handle, inner.base + PAGE, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(ROOT, region.base, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_unmap(no_children, region.base, 8 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmar_unmap(no_children, region.base, 2 * PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE, PAGE, vmo, 2, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_in(ROOT, READ_WRITE | ZX_VM_SPECIFIC_OVERWRITE,
			 region.base - bounds(ROOT).base, vmo, 8, &at));
	EXPECT_EQ(0, probe_write(inside, 1));
	EXPECT_EQ(1, info_of(vmo).num_mappings);
	/* All of it: it is destroyed. */
	EXPECT_EQ(ZX_OK, zx_vmar_unmap(region.handle, region.base + PAGE, 4 * PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_destroy(inner.handle));
	EXPECT_EQ(0, info_of(vmo).num_mappings);
	EXPECT_TRUE(is_reserved(vmo, region.base, 8));
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE, 0, vmo, 8, &at));
	EXPECT_EQ(region.base, (uintptr_t)at);
}

/* Else a long-lived region would run into the limit of mappings. */
TEST(reservations_do_not_pile_up)
{
	struct region region = new_region(ROOT, CAN_ALL, 64);
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at;
	char line[256], end[32];
	int i;

	for (i = 0; i < 64; i += 2)
		ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, i * PAGE, vmo,
					1, &at));
	for (i = 0; i < 64; i += 2)
		ASSERT_EQ(ZX_OK, zx_vmar_unmap(region.handle, region.base + i * PAGE, PAGE));
	ASSERT_TRUE(maps_line((void *)region.base, line, sizeof(line)));
	snprintf(end, sizeof(end), "%08lx ---p", region.base + 64 * PAGE);
	EXPECT_EQ(0, strncmp(line, end, strlen(end)))
		TH_LOG("%s", line);
}

TEST(destroying_takes_what_is_inside)
{
	struct region outer = new_region(ROOT, CAN_ALL, 8), middle, inner;
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	unsigned char *at;

	middle = new_region(outer.handle, CAN_ALL, 4);
	inner = new_region(middle.handle, CAN_RW, 2);
	ASSERT_NE(ZX_HANDLE_INVALID, inner.handle);
	ASSERT_EQ(ZX_OK, map_in(inner.handle, READ_WRITE, 0, vmo, 2, &at));
	EXPECT_EQ(ZX_OK, zx_vmar_destroy(middle.handle));
	EXPECT_EQ(0, info_of(vmo).num_mappings);
	EXPECT_EQ(ZX_ERR_BAD_STATE, map_in(inner.handle, READ_WRITE, 0, vmo, 2, &at));
	EXPECT_TRUE(is_reserved(vmo, outer.base, 8));
	/* The room is there again, for the one around it. */
	middle = new_region(outer.handle, CAN_RW, 8);
	EXPECT_EQ(outer.base, middle.base);
	EXPECT_EQ(ZX_OK, zx_vmar_destroy(outer.handle));
	EXPECT_TRUE(is_free(outer.base, 8));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_destroy(middle.handle));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_destroy(inner.handle));
}

TEST(protecting_inside)
{
	struct region region = new_region(ROOT, CAN_ALL, 8), inner;
	zx_handle_t no_children = without_rights(region.handle, ZX_RIGHT_OP_CHILDREN);
	zx_handle_t vmo = new_vmo(8 * PAGE, 0);
	unsigned char *at;

	EXPECT_EQ(ZX_ERR_NOT_FOUND,
		  zx_vmar_protect(region.handle, ZX_VM_PERM_READ, region.base, PAGE));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_vmar_protect(ROOT, 0, region.base, 8 * PAGE));
	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 0, vmo, 2, &at));
	EXPECT_EQ(ZX_ERR_NOT_FOUND,
		  zx_vmar_protect(region.handle, ZX_VM_PERM_READ, region.base, 3 * PAGE));
	EXPECT_EQ(0, probe_write(at, 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_vmar_protect(region.handle, ZX_VM_PERM_READ, region.base, 9 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmar_protect(region.handle, ZX_VM_PERM_READ, region.base, 2 * PAGE));
	EXPECT_EQ(SIGSEGV, probe_write(at, 1));
	/* Through a region in it: with the right, and within what that allows. */
	ASSERT_EQ(ZX_OK, zx_vmar_allocate(region.handle, ZX_VM_CAN_MAP_READ | ZX_VM_SPECIFIC,
					  2 * PAGE, 2 * PAGE, &inner.handle, &inner.base));
	EXPECT_EQ(ZX_ERR_NOT_FOUND,
		  zx_vmar_protect(no_children, ZX_VM_PERM_READ, region.base, 3 * PAGE));
	ASSERT_EQ(ZX_OK, map_in(inner.handle, ZX_VM_PERM_READ, 0, vmo, 2, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_vmar_protect(no_children, ZX_VM_PERM_READ, region.base, 3 * PAGE));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_vmar_protect(region.handle, READ_WRITE, region.base, 3 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmar_protect(region.handle, 0, region.base, 4 * PAGE));
	EXPECT_EQ(SIGSEGV, probe_read(at));
}

TEST(operations_through_regions)
{
	struct region region = new_region(ROOT, CAN_ALL, 8), inner;
	zx_handle_t no_children = without_rights(region.handle, ZX_RIGHT_OP_CHILDREN);
	zx_handle_t vmo = new_vmo(8 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 0, vmo, 2, &at));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_op_range(region.handle, ZX_VMAR_OP_COMMIT,
						     region.base, 3 * PAGE, NULL, 0));
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmar_op_range(region.handle, ZX_VMAR_OP_ZERO,
							region.base, 9 * PAGE, NULL, 0));
	ASSERT_EQ(ZX_OK, zx_vmar_allocate(region.handle, CAN_RW | ZX_VM_SPECIFIC, 2 * PAGE,
					  2 * PAGE, &inner.handle, &inner.base));
	EXPECT_EQ(ZX_ERR_BAD_STATE, zx_vmar_op_range(no_children, ZX_VMAR_OP_ZERO,
						     region.base, 3 * PAGE, NULL, 0));
	EXPECT_EQ(0, committed(vmo));
	ASSERT_EQ(ZX_OK, zx_vmar_map(inner.handle, READ_WRITE, 0, vmo, 4 * PAGE, 2 * PAGE,
				     (zx_vaddr_t[]){ 0 }));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_vmar_op_range(no_children, ZX_VMAR_OP_COMMIT,
							region.base, 4 * PAGE, NULL, 0));
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, zx_vmar_op_range(region.handle, ZX_VMAR_OP_COMMIT, region.base, 4 * PAGE,
					  NULL, 0));
	EXPECT_EQ(4 * PAGE, committed(vmo));
}

static int use_in_child(void *arg)
{
	struct region *region = arg;
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at;

	return map_in(region->handle, READ_WRITE | ZX_VM_SPECIFIC, PAGE, vmo, 1, &at) ||
	       probe_write(at, 1) || zx_vmar_destroy(region->handle) ||
	       !is_free(region->base, 4) || allocate(ROOT, CAN_RW, 0, PAGE);
}

TEST(a_child_has_its_own)
{
	struct region region = new_region(ROOT, CAN_ALL, 4);
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_in(region.handle, READ_WRITE | ZX_VM_SPECIFIC, 0, vmo, 1, &at));
	EXPECT_EQ(0, in_child(use_in_child, &region));
	EXPECT_EQ(0, probe_write(at, 1));
	EXPECT_TRUE(is_reserved(vmo, region.base + PAGE, 3));
}

static struct region shared;
static zx_handle_t shared_vmo;
static unsigned long failures;

/* Every thread maps, uses, unmaps and makes regions in one that all share. */
static void *crowd(void *arg)
{
	unsigned int seed = (uintptr_t)arg, round;
	struct region region;
	unsigned char *at;
	zx_status_t status;

	for (round = 0; round < 300; round++) {
		if (rand_r(&seed) & 1) {
			status = map_in(shared.handle, READ_WRITE, 0, shared_vmo, 2, &at);
			if (status == ZX_ERR_NO_RESOURCES)
				continue;
			if (!status) {
				at[PAGE] = 1;
				status = zx_vmar_unmap(shared.handle, (uintptr_t)at, 2 * PAGE);
			}
		} else {
			status = zx_vmar_allocate(shared.handle, CAN_RW, 0, 3 * PAGE,
						  &region.handle, &region.base);
			if (status == ZX_ERR_NO_RESOURCES)
				continue;
			if (!status) {
				status = map_in(region.handle, READ_WRITE, 0, shared_vmo, 3, &at);
				if (!status)
					at[2 * PAGE] = 1;
				status |= zx_vmar_destroy(region.handle);
				status |= zx_handle_close(region.handle);
			}
		}
		if (status)
			__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static int nothing(void *arg)
{
	struct region *region = arg;

	return allocate(region->handle, CAN_RW, 0, 64 * PAGE) == ZX_ERR_INTERNAL;
}

TEST(many_threads_in_one_region)
{
	pthread_t threads[4];
	unsigned char *at;
	unsigned long i;

	shared = new_region(ROOT, CAN_ALL, 12);
	shared_vmo = new_vmo(64 * PAGE, 0);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, crowd, (void *)(i + 1)));
	/* No fork leaves the lock held. */
	for (i = 0; i < 30; i++)
		EXPECT_EQ(0, in_child(nothing, &shared));
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, failures);
	EXPECT_EQ(0, info_of(shared_vmo).num_mappings);
	EXPECT_TRUE(is_reserved(shared_vmo, shared.base, 12));
	ASSERT_EQ(ZX_OK, map_in(shared.handle, READ_WRITE, 0, shared_vmo, 12, &at));
}

TEST(device_mappings_are_reservations)
{
	int device = open("/dev/zxvmo", O_RDWR | O_CLOEXEC);
	static const int prots[] = { PROT_READ, PROT_WRITE, PROT_EXEC, PROT_READ | PROT_WRITE };
	static const int flags[] = { MAP_PRIVATE, MAP_SHARED };
	zx_handle_t vmo = new_vmo(PAGE, 0);
	size_t i, j;
	void *at;

	ASSERT_LE(0, device);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (j = 0; j < ARRAY_SIZE(prots); j++) {
			EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, prots[j], flags[i], device, 0));
			EXPECT_EQ(EACCES, errno);
		}
		at = mmap(NULL, 4 * PAGE, PROT_NONE, flags[i], device, 0);
		ASSERT_NE(MAP_FAILED, at);
		EXPECT_TRUE(is_reserved(vmo, (uintptr_t)at, 4));
		for (j = 0; j < ARRAY_SIZE(prots); j++)
			EXPECT_EQ(-1, mprotect(at, PAGE, prots[j]));
		EXPECT_EQ(0, mprotect(at, PAGE, PROT_NONE));
		EXPECT_EQ(0, munmap((char *)at + PAGE, PAGE));
		madvise(at, PAGE, MADV_POPULATE_READ);
		madvise(at, PAGE, MADV_DONTNEED);
		EXPECT_EQ(SIGSEGV, probe_read(at));
	}
}

TEST_HARNESS_MAIN
