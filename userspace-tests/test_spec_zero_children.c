// SPDX-License-Identifier: GPL-2.0
/*
 * ZX_VMO_ZERO_CHILDREN and who is whose child: specification sections 8.8, 22
 * and 28.10. All of it holds as soon as the call that changes it returns
 * (case 193).
 */
#include <pthread.h>

#include "zx_test.h"

static const uint32_t types[] = {
	ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
	ZX_VMO_CHILD_SNAPSHOT_MODIFIED, ZX_VMO_CHILD_SLICE, ZX_VMO_CHILD_REFERENCE,
};

/* All of the parent, in every type. */
static zx_handle_t child_of(zx_handle_t vmo, uint32_t type)
{
	return new_child(vmo, type, 0, type == ZX_VMO_CHILD_REFERENCE ? 0 : size_of(vmo));
}

static zx_koid_t koid_of(zx_handle_t vmo)
{
	return info_of(vmo).koid;
}

static zx_koid_t parent_of(zx_handle_t vmo)
{
	return info_of(vmo).parent_koid;
}

static uint64_t children_of(zx_handle_t vmo)
{
	return info_of(vmo).num_children;
}

TEST(spec_090_one_child)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), child;
	zx_signals_t observed;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		child = child_of(vmo, types[i]);
		ASSERT_NE(ZX_HANDLE_INVALID, child);
		observed = 77;
		EXPECT_EQ(ZX_ERR_TIMED_OUT,
			  zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0, &observed));
		EXPECT_EQ(0, observed);
		EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_of(child));
		EXPECT_EQ(1, children_of(vmo));
		EXPECT_EQ(koid_of(vmo), parent_of(child));
		EXPECT_EQ(ZX_OK, zx_handle_close(child));
		EXPECT_EQ(ZX_OK, zx_object_wait_one(vmo, ZX_VMO_ZERO_CHILDREN, 0, &observed));
		EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, observed);
		EXPECT_EQ(0, children_of(vmo));
	}
}

TEST(spec_091_mapped_children)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), child, other;
	unsigned char *at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		child = child_of(vmo, types[i]);
		ASSERT_EQ(ZX_OK, map_vmo(child, READ_WRITE, 2 * PAGE, &at));
		zx_handle_close(child);
		EXPECT_EQ(0, signals_of(vmo));
		EXPECT_EQ(1, children_of(vmo));
		*at = 1;
		EXPECT_EQ(0, munmap(at, PAGE));
		EXPECT_EQ(0, signals_of(vmo));
		EXPECT_EQ(ZX_OK, zx_vmar_unmap(zx_vmar_root_self(), (uintptr_t)at + PAGE, PAGE));
		EXPECT_TRUE(zero_children(vmo));
		/* Two handles; a mapping that goes before the handle. */
		child = child_of(vmo, types[i]);
		other = with_rights(child, ZX_RIGHT_NONE);
		ASSERT_EQ(ZX_OK, map_vmo(child, READ_WRITE, 2 * PAGE, &at));
		EXPECT_EQ(0, munmap(at, 2 * PAGE));
		EXPECT_EQ(ZX_OK, zx_handle_replace(child, ZX_RIGHT_SAME_RIGHTS, &child));
		zx_handle_close(child);
		EXPECT_EQ(0, signals_of(vmo));
		zx_handle_close(other);
		EXPECT_TRUE(zero_children(vmo));
	}
}

TEST(spec_092_grandchildren)
{
	zx_handle_t a = new_vmo(PAGE, 0), b, c;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (j = 0; j < ARRAY_SIZE(types); j++) {
			b = child_of(a, types[i]);
			c = child_of(b, types[j]);
			if (c == ZX_HANDLE_INVALID) {
				/* What a slice cannot have. */
				ASSERT_EQ(ZX_VMO_CHILD_SLICE, types[i]);
				EXPECT_TRUE(zero_children(b));
				zx_handle_close(b);
				continue;
			}
			EXPECT_EQ(0, signals_of(a));
			EXPECT_EQ(0, signals_of(b));
			EXPECT_EQ(1, children_of(a));
			EXPECT_EQ(koid_of(b), parent_of(c));
			zx_handle_close(b);
			EXPECT_EQ(0, signals_of(a));
			EXPECT_EQ(1, children_of(a));
			EXPECT_EQ(koid_of(a), parent_of(c));
			zx_handle_close(c);
			EXPECT_TRUE(zero_children(a));
			EXPECT_EQ(0, children_of(a));

			b = child_of(a, types[i]);
			c = child_of(b, types[j]);
			zx_handle_close(c);
			EXPECT_TRUE(zero_children(b));
			EXPECT_EQ(0, signals_of(a));
			zx_handle_close(b);
			EXPECT_TRUE(zero_children(a));
		}
	}
}

TEST(spec_094_failures)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), bad;
	unsigned int option;

	for (option = 0; option < 0x200; option++) {
		EXPECT_NE(ZX_OK, zx_vmo_create_child(vmo, option, 1, 2 * PAGE, &bad));
		EXPECT_NE(ZX_OK, zx_vmo_create_child(vmo, option, 0, UINT64_MAX, &bad));
		EXPECT_NE(ZX_OK, zx_vmo_create_child(vmo, option, PAGE, 0, NULL));
	}
	EXPECT_TRUE(zero_children(vmo));
	EXPECT_EQ(0, children_of(vmo));
}

TEST(children_move_up)
{
	zx_handle_t root = new_vmo(PAGE, 0), middle = snapshot_of(root, 0, PAGE);
	zx_handle_t children[20];
	unsigned char *at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = child_of(middle, types[i % ARRAY_SIZE(types)]);
		ASSERT_NE(ZX_HANDLE_INVALID, children[i]);
	}
	EXPECT_EQ(20, children_of(middle));
	/* A mapping holds the one in the middle where it is. */
	ASSERT_EQ(ZX_OK, map_vmo(middle, ZX_VM_PERM_READ, PAGE, &at));
	zx_handle_close(middle);
	EXPECT_EQ(1, children_of(root));
	EXPECT_NE(koid_of(root), parent_of(children[7]));
	EXPECT_EQ(0, munmap(at, PAGE));
	EXPECT_EQ(20, children_of(root));
	for (i = 0; i < ARRAY_SIZE(children); i++)
		EXPECT_EQ(koid_of(root), parent_of(children[i]));
	/* Without a parent above them they have none. */
	zx_handle_close(root);
	for (i = 0; i < ARRAY_SIZE(children); i++) {
		EXPECT_EQ(0, parent_of(children[i]));
		EXPECT_EQ(0x009, info_of(children[i]).flags);
		EXPECT_TRUE(zero_children(children[i]));
	}
}

/* A snapshot that is left with a grandparent is still a clone. */
TEST(clones_of_grandparents)
{
	zx_handle_t root = new_vmo(PAGE, 0), middle = slice_of(root, 0, PAGE);
	zx_handle_t reference = reference_of(root), clone = snapshot_of(reference, 0, PAGE);

	EXPECT_EQ(0x00d, info_of(clone).flags);
	zx_handle_close(reference);
	EXPECT_EQ(0x00d, info_of(clone).flags);
	EXPECT_EQ(koid_of(root), parent_of(clone));
	zx_handle_close(root);
	EXPECT_EQ(0x009, info_of(clone).flags);
	EXPECT_EQ(0x009, info_of(middle).flags);
}

TEST(what_changes_nothing)
{
	zx_handle_t vmo = new_vmo(PAGE, ZX_VMO_RESIZABLE), dup;
	zx_handle_t child = new_child(vmo, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0, PAGE);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE | ZX_VM_ALLOW_FAULTS, PAGE, &at));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, 0));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 0));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, PAGE));
	EXPECT_EQ(ZX_OK, put_byte(child, 0, 1));
	dup = with_rights(child, ZX_RIGHT_NONE);
	zx_handle_close(dup);
	EXPECT_EQ(0, signals_of(vmo));
	/* Mappings of the parent, and its other handles, are no children. */
	dup = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_close(child);
	EXPECT_TRUE(zero_children(vmo));
	EXPECT_TRUE(zero_children(dup));
	EXPECT_EQ(0, munmap(at, PAGE));
}

/* References of one original do not become children of each other. */
TEST(references_are_left_alone)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), one = reference_of(vmo), two = reference_of(vmo);

	EXPECT_EQ(2, children_of(vmo));
	zx_handle_close(vmo);
	EXPECT_EQ(0, parent_of(one));
	EXPECT_EQ(0, parent_of(two));
	EXPECT_TRUE(zero_children(one));
	EXPECT_TRUE(zero_children(two));
}

static int map_and_exit(void *arg)
{
	unsigned char *at;

	HOLDS(!map_vmo(*(zx_handle_t *)arg, READ_WRITE, PAGE, &at));
	*at = 3;
	return 0;
}

/* An exit is a close and an unmapping of all that the process had. */
TEST(process_that_exits)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), child = snapshot_of(vmo, 0, PAGE);

	EXPECT_EQ(0, in_child(map_and_exit, &child));
	EXPECT_EQ(0, signals_of(vmo));
	EXPECT_EQ(0, info_of(child).num_mappings);
	zx_handle_close(child);
	EXPECT_TRUE(zero_children(vmo));
}

static struct {
	int pipe[2];
	zx_handle_t vmo, child;
	zx_status_t status;
	zx_signals_t observed;
	pid_t tid;
} waiting;

static int close_when_told(void *unused __always_unused)
{
	HOLDS(!hear(waiting.pipe[0]));
	return zx_handle_close(waiting.child);
}

static void *wait_for_no_children(void *unused __always_unused)
{
	__atomic_store_n(&waiting.tid, gettid(), __ATOMIC_RELEASE);
	waiting.status = zx_object_wait_one(waiting.vmo, ZX_VMO_ZERO_CHILDREN,
					    ZX_TIME_INFINITE, &waiting.observed);
	return NULL;
}

TEST(spec_096_waiter)
{
	pthread_t thread;
	pid_t pid;

	ASSERT_EQ(0, pipe(waiting.pipe));
	waiting.vmo = new_vmo(PAGE, 0);
	waiting.child = snapshot_of(waiting.vmo, 0, PAGE);
	pid = start_child(close_when_told, NULL);
	zx_handle_close(waiting.child);
	EXPECT_EQ(0, signals_of(waiting.vmo));
	ASSERT_TRUE(start_sleeper(&thread, &waiting.tid, wait_for_no_children, NULL));
	ASSERT_EQ(0, tell(waiting.pipe[1]));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(ZX_OK, waiting.status);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, waiting.observed);
	EXPECT_EQ(0, end_child(pid));
}

/* Case 193: accounting of the relatives too is right when the call returns. */
TEST(spec_193_at_once)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), child;
	unsigned char *at;
	int round;

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	for (round = 0; round < 100; round++) {
		child = snapshot_of(vmo, 0, 2 * PAGE);
		ASSERT_EQ(0, info_of(vmo).committed_private_bytes);
		ASSERT_EQ(ZX_OK, map_vmo(child, ZX_VM_PERM_READ, 2 * PAGE, &at));
		if (round % 2) {
			munmap(at, 2 * PAGE);
			zx_handle_close(child);
		} else {
			zx_handle_close(child);
			munmap(at, 2 * PAGE);
		}
		ASSERT_TRUE(zero_children(vmo));
		ASSERT_EQ(0, children_of(vmo));
		ASSERT_EQ(2 * PAGE, info_of(vmo).committed_private_bytes);
		ASSERT_EQ(2 * PAGE, info_of(vmo).committed_scaled_bytes);
	}
}

TEST(spec_093_slices_and_references_count)
{
	zx_handle_t parent = new_vmo(PAGE, 0), child;

	child = slice_of(parent, 0, PAGE);
	EXPECT_FALSE(zero_children(parent));
	zx_handle_close(child);
	EXPECT_TRUE(zero_children(parent));
	child = reference_of(parent);
	EXPECT_FALSE(zero_children(parent));
	zx_handle_close(child);
	EXPECT_TRUE(zero_children(parent));
}

TEST_HARNESS_MAIN
