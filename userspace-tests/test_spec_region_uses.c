// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to regions and inside of them: unmapping, protecting,
 * operations, zx_vmar_destroy, by children and many threads; specification
 * sections 14 to 17.1.
 */
#include "zx_region_test.h"

#include <pthread.h>

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
