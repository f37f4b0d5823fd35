// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl interface itself: bad commands, bad structures and bad pointers,
 * for every call and on every kind of file.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>

#include "abi_calls.h"

_Static_assert(offsetof(struct zxvmo_transfer, buffer) == 8, "see pointer_at_8()");
_Static_assert(offsetof(struct zxvmo_get_info, buffer) == 8, "see pointer_at_8()");
_Static_assert(offsetof(struct zxvmo_property, value) == 8, "see pointer_at_8()");
_Static_assert(offsetof(struct zxvmo_stream_transfer, vector) == 8, "see pointer_at_8()");

static unsigned int resized(unsigned int command, unsigned int size)
{
	return _IOC(_IOC_DIR(command), _IOC_TYPE(command), _IOC_NR(command),
		    size);
}

TEST(every_call_succeeds_as_prepared)
{
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		fd = prepare(i);
		ASSERT_LE(0, fd);
		EXPECT_EQ(ZX_OK, zxvmo_call(fd, calls[i].command, &arg))
			TH_LOG("call %s", calls[i].name);
		close(fd);
	}
}

TEST(unknown_commands)
{
	unsigned int nr;
	int device = open_device();
	int vmo = vmo_create(PAGE, 0);
	bool known;
	size_t i;

	ASSERT_LE(0, device);
	ASSERT_LE(0, vmo);
	for (nr = 0; nr < 256; nr++) {
		for (known = false, i = 0; i < ARRAY_SIZE(calls); i++)
			known |= _IOC_NR(calls[i].command) == nr;
		/* Numbers between those of today are for later calls. */
		if (known || nr < 0x60)
			continue;
		memset(&arg, 0, sizeof(arg));
		EXPECT_EQ(ENOTTY, zxvmo_call(device, _IOWR(ZXVMO_IOC_TYPE, nr, struct zxvmo_size), &arg));
		EXPECT_EQ(ENOTTY, zxvmo_call(vmo, _IOWR(ZXVMO_IOC_TYPE, nr, struct zxvmo_size), &arg));
	}
	EXPECT_EQ(ENOTTY, zxvmo_call(vmo, _IOWR(0xE6, 0x12, struct zxvmo_size), &arg));
	EXPECT_EQ(ENOTTY, zxvmo_call(device, _IOWR(0xE6, 0x00, struct zxvmo_query), &arg));
	EXPECT_EQ(ENOTTY, zxvmo_call(vmo, 0, &arg));
	EXPECT_EQ(ENOTTY, zxvmo_call(vmo, ~0U, &arg));
}

TEST(foreign_commands_of_the_file_system)
{
	/* None of these may find something to change behind a handle. */
	static const unsigned long foreign[] = {
		FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FICLONE,
		FS_IOC_FIEMAP, FIDEDUPERANGE, FIFREEZE, FITHAW, FITRIM,
		FS_IOC_SETFSLABEL, FIGETBSZ, _IOW('X', 40, char[48]),
	};
	int vmo = vmo_create(PAGE, 0);
	size_t i;

	ASSERT_LE(0, vmo);
	for (i = 0; i < ARRAY_SIZE(foreign); i++) {
		memset(&arg, 0, sizeof(arg));
		/* FIGETBSZ is answered by the VFS for every file. */
		if (foreign[i] == FIGETBSZ) {
			ioctl(vmo, foreign[i], &arg);
			continue;
		}
		EXPECT_NE(0, ioctl(vmo, foreign[i], &arg))
			TH_LOG("command %#lx", foreign[i]);
	}
}

TEST(every_call_on_the_wrong_file)
{
	int sockets[2], pipes[2], files[6];
	unsigned int i, j;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, pipe(pipes));
	files[0] = memfd_create("x", 0);
	files[1] = open("/dev/null", O_RDWR);
	files[2] = open("/", O_RDONLY | O_DIRECTORY);
	files[3] = sockets[0];
	files[4] = pipes[0];
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		/* The last: the other of the two kinds that there are. */
		files[5] = calls[i].kind == DEVICE ? vmo_create(PAGE, 0) : open_device();
		for (j = 0; j < ARRAY_SIZE(files); j++) {
			ASSERT_LE(0, files[j]);
			close(prepare(i));
			EXPECT_EQ(ENOTTY, zxvmo_call(files[j], calls[i].command, &arg))
				TH_LOG("call %s on file %u", calls[i].name, j);
		}
		close(files[5]);
		close(prepare(i));
		EXPECT_EQ(EBADF, zxvmo_call(files[5], calls[i].command, &arg));
		EXPECT_EQ(EBADF, zxvmo_call(-1, calls[i].command, &arg));
	}
}

/* Every call on a handle to the other type of object, as a status. */
TEST(every_call_on_the_wrong_object)
{
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		close(prepare(i));
		/* The rest of the numbers is for all handles. */
		if (calls[i].kind == DEVICE || _IOC_NR(calls[i].command) >= 0x40)
			continue;
		fd = calls[i].kind == STREAM ? vmo_create(PAGE, 0) : new_stream();
		ASSERT_LE(0, fd);
		/* One call has a status of its own for this (spec 9). */
		EXPECT_EQ(calls[i].command == ZXVMO_IOC_REPLACE_AS_EXECUTABLE ?
			  ZX_ERR_BAD_HANDLE : ZX_ERR_WRONG_TYPE,
			  zxvmo_call(fd, calls[i].command, &arg))
			TH_LOG("call %s", calls[i].name);
		close(fd);
	}
}

TEST(shorter_structures)
{
	unsigned int i, size;
	int fd;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int full = _IOC_SIZE(calls[i].command);

		for (size = 0; size < full; size += size ? 4 : 1) {
			fd = prepare(i);
			ASSERT_LE(0, fd);
			EXPECT_EQ(EINVAL, zxvmo_call(fd, resized(calls[i].command, size), &arg))
				TH_LOG("call %s, size %u", calls[i].name, size);
			close(fd);
		}
		fd = prepare(i);
		EXPECT_EQ(EINVAL, zxvmo_call(fd, resized(calls[i].command, full - 1), &arg));
		close(fd);
	}
}

TEST(longer_structures)
{
	static const unsigned int more[] = { 1, 4, 8, 4096 };
	unsigned int i, j, full, size, fds;
	int fd;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		full = _IOC_SIZE(calls[i].command);
		for (j = 0; j <= ARRAY_SIZE(more); j++) {
			size = j < ARRAY_SIZE(more) ? full + more[j] : MAX_ARG;

			/* Newer, but nothing new is asked for. */
			fd = prepare(i);
			ASSERT_LE(0, fd);
			EXPECT_EQ(ZX_OK, zxvmo_call(fd, resized(calls[i].command, size), &arg))
				TH_LOG("call %s, size %u", calls[i].name, size);
			EXPECT_TRUE(all_bytes(arg.bytes + full, 0, MAX_ARG - full));
			close(fd);

			/* Something new is asked for, in the last byte. */
			fd = prepare(i);
			ASSERT_LE(0, fd);
			arg.bytes[size - 1] = 1;
			fds = count_fds();
			EXPECT_EQ(E2BIG, zxvmo_call(fd, resized(calls[i].command, size), &arg))
				TH_LOG("call %s, size %u", calls[i].name, size);
			EXPECT_EQ(fds, count_fds());
			close(fd);
		}
	}
}

TEST(reserved_members)
{
	unsigned int i, bit, fds;
	__u32 *reserved;
	int fd;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].reserved < 0)
			continue;
		for (bit = 0; bit < 32; bit += 31) {
			fd = prepare(i);
			ASSERT_LE(0, fd);
			reserved = (__u32 *)(arg.bytes + calls[i].reserved);
			*reserved = 1U << bit;
			fds = count_fds();
			EXPECT_EQ(ZX_ERR_INVALID_ARGS, zxvmo_call(fd, calls[i].command, &arg))
				TH_LOG("call %s", calls[i].name);
			EXPECT_EQ(fds, count_fds());
			close(fd);
		}
	}
}

/* A structure that cannot be read: nothing happens but EFAULT. */
TEST(unreadable_structures)
{
	char *hole = (char *)page_before_hole() + PAGE;
	char *none = anon_pages(1, PROT_NONE);
	unsigned int i, j;
	int fd;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int command = calls[i].command;
		void *const bad[] = {
			NULL, (void *)1, hole, none, hole - 4,
			hole - _IOC_SIZE(command) + 1,
			(void *)0x00007ffffffff000UL, (void *)0xffff888000000000UL,
			(void *)-8L, (void *)0x8000000000000000UL,
		};

		fd = prepare(i);
		ASSERT_LE(0, fd);
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			errno = 0;
			EXPECT_EQ(-1, ioctl(fd, command, bad[j]));
			EXPECT_EQ(EFAULT, errno)
				TH_LOG("call %s at %p", calls[i].name, bad[j]);
		}
		close(fd);
	}
}

/* A structure that cannot be written back: no handle may be left over. */
TEST(unwritable_structures)
{
	char *page = anon_pages(1, PROT_READ | PROT_WRITE);
	unsigned int i, fds, others;
	int fd, other;

	ASSERT_NE(NULL, page);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		fd = prepare(i);
		ASSERT_LE(0, fd);
		other = calls[i].kind == DEVICE ? -1 : vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
		memcpy(page, &arg, _IOC_SIZE(calls[i].command));
		mprotect(page, PAGE, PROT_READ);
		fds = count_fds();
		errno = 0;
		EXPECT_EQ(-1, ioctl(fd, calls[i].command, page));
		EXPECT_EQ(EFAULT, errno)
			TH_LOG("call %s", calls[i].name);
		EXPECT_EQ(fds, count_fds());
		if (other >= 0) {
			/* A replaced source may be gone; it is not doubled. */
			others = calls[i].command == ZXVMO_IOC_REPLACE ||
				 calls[i].command == ZXVMO_IOC_REPLACE_AS_EXECUTABLE ? 1 : 2;
			EXPECT_LE(others, vmo_handle_count(other));
			EXPECT_GE(2, vmo_handle_count(other));
			close(other);
		}
		close(fd);
	}
}

static __u64 next_random(void)
{
	/* xorshift: the same sequence in every run. */
	static __u64 state = 0x9e3779b97f4a7c15ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static bool pointer_at_8(unsigned int command)
{
	return command == ZXVMO_IOC_READ || command == ZXVMO_IOC_GET_INFO ||
	       command == ZXVMO_IOC_GET_PROPERTY || command == ZXVMO_IOC_STREAM_READV;
}

TEST(random_arguments)
{
	unsigned int i, j, at, command, round;
	int fd;

	for (round = 0; round < 1500; round++) {
		i = next_random() % ARRAY_SIZE(calls);
		command = calls[i].command;
		/* These can take the test's own memory away, or sleep. */
		if (command == ZXVMO_IOC_MAP || command == ZXVMO_IOC_WAIT ||
		    command == ZXVMO_IOC_WAIT_MANY)
			continue;
		fd = prepare(i);
		ASSERT_LE(0, fd);
		for (j = 0; j < 3; j++) {
			at = next_random() % _IOC_SIZE(command);
			/* Nor is where the answer goes left to chance. */
			if (at >= 8 && at < 16 && pointer_at_8(command))
				continue;
			/* Nor how many buffers there seem to be. */
			if (at >= 16 && at < 24 && command == ZXVMO_IOC_STREAM_READV)
				continue;
			arg.bytes[at] = next_random();
		}
		ASSERT_NE(STATUS_WRONG_ERRNO, zxvmo_call(fd, command, &arg))
			TH_LOG("call %s in round %u", calls[i].name, round);
		if (arg.create.status == ZX_OK && command == ZXVMO_IOC_CREATE)
			close(arg.create.handle);
		else if (arg.create_child.status == ZX_OK && command == ZXVMO_IOC_CREATE_CHILD)
			close(arg.create_child.handle);
		else if (arg.create_stream.status == ZX_OK && command == ZXVMO_IOC_CREATE_STREAM)
			close(arg.create_stream.handle);
		else if (arg.duplicate.status == ZX_OK &&
			 (command == ZXVMO_IOC_DUPLICATE || command == ZXVMO_IOC_REPLACE))
			close(arg.duplicate.handle);
		else if (arg.executable.status == ZX_OK &&
			 command == ZXVMO_IOC_REPLACE_AS_EXECUTABLE)
			close(arg.executable.handle);
		else if (arg.create_port.status == ZX_OK && command == ZXVMO_IOC_CREATE_PORT)
			close(arg.create_port.handle);
		else if (arg.create_event.status == ZX_OK && command == ZXVMO_IOC_CREATE_EVENT) {
			close(arg.create_event.handle);
			close(arg.create_event.peer);
		}
		close(fd);
	}
}

TEST_HARNESS_MAIN
