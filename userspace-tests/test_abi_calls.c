// SPDX-License-Identifier: GPL-2.0
/*
 * What is particular to single calls of the ioctl interface, and not in the
 * specification: the device, descriptors, addresses, signals.
 */
#include <limits.h>
#include <sys/resource.h>

#include "zxvmo_test.h"

TEST(query)
{
	struct zxvmo_query query = { };
	int device = open_device();

	ASSERT_LE(0, device);
	ASSERT_EQ(ZX_OK, zxvmo_call(device, ZXVMO_IOC_QUERY, &query));
	EXPECT_EQ(ZXVMO_ABI_VERSION, query.abi_version);
	EXPECT_EQ(PAGE, query.page_size);
	EXPECT_EQ(0, query.reserved);
	EXPECT_EQ(ZX_VMO_MAX_SIZE, query.max_size);
}

static int open_as_nobody(void *unused __always_unused)
{
	HOLDS(!become_nobody());
	HOLDS(open_device() < 0 && errno == EACCES);
	return 0;
}

TEST(device_is_for_root)
{
	struct stat st;

	ASSERT_EQ(0, stat(ZXVMO_DEVICE_PATH, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, in_child(open_as_nobody, NULL));
}

TEST(new_handles_close_on_exec)
{
	int fd = vmo_create(PAGE, 0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	fd = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	fd = vmo_replace(fd, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	fd = vmo_replace_as_executable(fd, -1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
}

/* No descriptor is a permission; whatever it was, the handle is gone. */
TEST(permissions_to_execute)
{
	int bad[] = { -2, 0, 1000, INT_MAX, INT_MIN, -1, -1 };
	int vmo = vmo_create(PAGE, 0), fd;
	size_t i;

	bad[ARRAY_SIZE(bad) - 2] = vmo;
	bad[ARRAY_SIZE(bad) - 1] = open_device();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fd = vmo_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS);
		ASSERT_LE(0, fd);
		EXPECT_EQ(ZX_ERR_BAD_HANDLE, vmo_replace_as_executable(fd, bad[i]));
		EXPECT_EQ(ZX_ERR_BAD_HANDLE, vmo_replace_as_executable(fd, -1));
		EXPECT_EQ(ZX_ERR_BAD_HANDLE, vmo_set_cache_policy(fd, 0));
		EXPECT_EQ(~0ULL, vmo_size(fd));
		EXPECT_EQ(1, vmo_handle_count(vmo));
		close(fd);
	}
	/* The last handle takes the object with it. */
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, vmo_replace_as_executable(vmo, vmo));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, vmo_replace_as_executable(vmo, -1));
}

/* Success, too, leaves the descriptor behind, without a handle. */
TEST(executable_handles)
{
	int vmo = vmo_create(PAGE, 0), fd = vmo_replace_as_executable(vmo, -1);

	ASSERT_LE(0, fd);
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_EXECUTE, vmo_rights(fd));
	EXPECT_EQ(1, vmo_handle_count(fd));
	EXPECT_EQ(~0ULL, vmo_size(vmo));
	EXPECT_EQ(MAP_FAILED, map_shared(vmo, PAGE, PROT_READ));
	EXPECT_NE(MAP_FAILED, map_shared(fd, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
}

/* The value is judged before the handle that is gone; see spec_119, too. */
TEST(cache_policies)
{
	int vmo = vmo_create(PAGE, 0), fd = vmo_replace(vmo, ZX_RIGHT_SAME_RIGHTS);

	ASSERT_LE(0, fd);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, vmo_set_cache_policy(vmo, 4));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, vmo_set_cache_policy(vmo, 3));
	EXPECT_EQ(ZX_OK, vmo_set_cache_policy(fd, 3));
	EXPECT_EQ(ZX_CACHE_POLICY_WRITE_COMBINING, vmo_info(fd).cache_policy);
}

/* Where there are no more descriptors, the handle is gone all the same. */
TEST(executable_without_descriptors)
{
	int vmo = vmo_create(PAGE, 0), other = vmo_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS);
	struct rlimit limit;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = other + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	while (dup(0) >= 0)
		;
	EXPECT_EQ(ZX_ERR_NO_RESOURCES, vmo_replace_as_executable(vmo, -1));
	EXPECT_EQ(~0ULL, vmo_size(vmo));
	EXPECT_EQ(1, vmo_handle_count(other));
}

TEST(children_close_on_exec)
{
	int vmo = vmo_create(PAGE, 0);

	ASSERT_LE(0, vmo);
	EXPECT_EQ(FD_CLOEXEC, fcntl(vmo_snapshot(vmo, 0, PAGE), F_GETFD));
	EXPECT_EQ(FD_CLOEXEC,
		  fcntl(vmo_create_child(vmo, ZX_VMO_CHILD_SLICE, 0, PAGE), F_GETFD));
	EXPECT_EQ(FD_CLOEXEC,
		  fcntl(vmo_create_child(vmo, ZX_VMO_CHILD_REFERENCE, 0, 0), F_GETFD));
}

/* Where the answer of a lock goes is an address like any other. */
TEST(addresses_of_lock_states)
{
	char *hole = (char *)page_before_hole() + PAGE;
	char *const bad[] = {
		NULL, (char *)1, hole, hole - 31, anon_pages(1, PROT_READ),
		(char *)0x00007ffffffff000UL, (char *)0xffff888000000000UL, (char *)-8L,
	};
	struct zxvmo_op_range arg = { .op = ZX_VMO_OP_LOCK, .size = PAGE };
	int vmo = vmo_create(PAGE, ZX_VMO_DISCARDABLE);
	size_t i;

	ASSERT_LE(0, vmo);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		arg.buffer = (unsigned long)bad[i];
		arg.buffer_size = sizeof(struct zxvmo_lock_state);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(vmo, ZXVMO_IOC_OP_RANGE, &arg));
		arg.buffer_size = ~0ULL;
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(vmo, ZXVMO_IOC_OP_RANGE, &arg));
		EXPECT_EQ(ZX_ERR_BAD_STATE, vmo_op_range(vmo, ZX_VMO_OP_UNLOCK, 0, PAGE));
	}
	arg.buffer = (unsigned long)hole - 32;
	EXPECT_EQ(ZX_OK, zxvmo_call(vmo, ZXVMO_IOC_OP_RANGE, &arg));
	EXPECT_EQ(ZX_OK, vmo_op_range(vmo, ZX_VMO_OP_UNLOCK, 0, PAGE));
}

TEST(flags_of_creation)
{
	unsigned int bit;
	int fd;

	for (bit = 0; bit < 32; bit++) {
		fd = vmo_create_flags(PAGE, 0, 1U << bit);
		if (1U << bit != ZXVMO_CREATE_PINNABLE) {
			EXPECT_EQ(ZX_ERR_INVALID_ARGS, fd);
			continue;
		}
		EXPECT_LE(0, fd);
		/* A way of storing, no property of the VMO that can be seen. */
		EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS, vmo_rights(fd));
		EXPECT_EQ(0x009, vmo_info(fd).flags);
	}
}

/* The module's structures are the same for programs of 32 bits. */
TEST(compat_call)
{
	struct zxvmo_query *query = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
					 -1, 0);
	int device = open_device();
	int ret = -1;

	ASSERT_NE(MAP_FAILED, query);
	ASSERT_LE(0, device);
#ifdef __x86_64__
	signal(SIGSEGV, probe_handler);
	if (sigsetjmp(probe_env, 1))
		SKIP(return, "the kernel has no calls of 32 bits");
	asm volatile("int $0x80" : "=a"(ret)
		     : "a"(54), "b"(device), "c"(ZXVMO_IOC_QUERY), "d"(query)
		     : "memory", "r8", "r9", "r10", "r11");
#else
	SKIP(return, "only for x86");
#endif
	EXPECT_EQ(0, ret);
	EXPECT_EQ(ZX_OK, query->status);
	EXPECT_EQ(ZX_VMO_MAX_SIZE, query->max_size);
}

/* No descriptor left: an error, no handle, and the source as it was. */
TEST(full_table_of_descriptors)
{
	struct zxvmo_create create = { .size = PAGE };
	struct zxvmo_duplicate dup = { .rights = ZX_RIGHT_SAME_RIGHTS };
	int device = open_device();
	int vmo = vmo_create(PAGE, 0);
	struct rlimit limit = { };
	int ret;

	ASSERT_LE(0, device);
	ASSERT_LE(0, vmo);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ret = zxvmo_call(device, ZXVMO_IOC_CREATE, &create);
	EXPECT_TRUE(ret == ZX_ERR_NO_RESOURCES || ret == ZX_ERR_NO_MEMORY)
		TH_LOG("create gave %d", ret);
	ret = zxvmo_call(vmo, ZXVMO_IOC_DUPLICATE, &dup);
	EXPECT_TRUE(ret == ZX_ERR_NO_RESOURCES || ret == ZX_ERR_NO_MEMORY)
		TH_LOG("duplicate gave %d", ret);
	EXPECT_EQ(1, vmo_handle_count(vmo));
	EXPECT_EQ(PAGE, vmo_size(vmo));
}

/* What is the caller's business, as the header says, and bad addresses. */
TEST(addresses_of_map)
{
	static const __u64 bad[] = {
		0x100000000000000, 0xffff888000000000, 0xfffffffffff000, ~0ULL & ~(PAGE - 1),
	};
	int vmo = vmo_create(2 * PAGE, 0);
	char *place = anon_pages(4, PROT_READ);
	struct zxvmo_map map;
	size_t i;

	ASSERT_LE(0, vmo);
	map = (struct zxvmo_map){ .options = ZX_VM_PERM_READ | ZX_VM_ALIGN_2MB, .length = PAGE };
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, zxvmo_call(vmo, ZXVMO_IOC_MAP, &map));
	map.options = ZX_VM_PERM_READ | ZX_VM_OFFSET_IS_UPPER_LIMIT;
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, zxvmo_call(vmo, ZXVMO_IOC_MAP, &map));
	map.options = ZX_VM_PERM_READ;
	map.address = (unsigned long)place;
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(vmo, ZXVMO_IOC_MAP, &map));
	map.options = ZX_VM_PERM_READ | ZX_VM_SPECIFIC;
	EXPECT_EQ(ZX_ERR_ALREADY_EXISTS, zxvmo_call(vmo, ZXVMO_IOC_MAP, &map));
	map.address++;
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(vmo, ZXVMO_IOC_MAP, &map));
	for (i = 0; i < 2 * ARRAY_SIZE(bad); i++) {
		map.address = bad[i / 2];
		map.options = ZX_VM_PERM_READ |
			      (i % 2 ? ZX_VM_SPECIFIC : ZX_VM_SPECIFIC_OVERWRITE);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(vmo, ZXVMO_IOC_MAP, &map))
			TH_LOG("address %#llx", map.address);
	}
	map.address = (unsigned long)place;
	map.options = ZX_VM_PERM_READ | ZX_VM_SPECIFIC_OVERWRITE;
	EXPECT_EQ(ZX_OK, zxvmo_call(vmo, ZXVMO_IOC_MAP, &map));
	EXPECT_EQ((unsigned long)place, map.mapped_address);
	map.options = ZX_VM_PERM_READ | ZX_VM_SPECIFIC_OVERWRITE | ZX_VM_ALIGN_4GB;
	map.address += ((unsigned long)place & 0xfffff000) ? 0 : PAGE;
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(vmo, ZXVMO_IOC_MAP, &map));
	EXPECT_EQ(1, vmo_info(vmo).num_mappings);
}

static void no_action(int sig __always_unused)
{
}

TEST(interrupted_wait)
{
	struct zxvmo_wait wait = { .signals = ZX_USER_SIGNAL_0, .deadline = ZX_TIME_INFINITE };
	struct sigaction act = { .sa_handler = no_action };
	int vmo = vmo_create(PAGE, 0);
	pid_t pid, me = getpid();

	ASSERT_LE(0, vmo);
	sigaction(SIGUSR1, &act, NULL);
	pid = fork();
	if (!pid)
		_exit(!wait_blocked(me) || kill(me, SIGUSR1));
	/* EINTR, and the status untouched: the caller is to call again. */
	EXPECT_EQ(EINTR, zxvmo_call(vmo, ZXVMO_IOC_WAIT, &wait));
	EXPECT_EQ(0, end_child(pid));
}

TEST_HARNESS_MAIN
