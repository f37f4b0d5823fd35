// SPDX-License-Identifier: GPL-2.0
/*
 * fdio_fd_*: handles of libzircon as descriptors and back, and what that is
 * for: sending them to another program.
 */
#include <lib/fdio/fd.h>

#include <sys/resource.h>

#include "zx_test.h"

static zx_info_handle_basic_t basic_of(zx_handle_t handle)
{
	zx_info_handle_basic_t basic;

	if (zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic),
			       NULL, NULL))
		memset(&basic, 0xff, sizeof(basic));
	return basic;
}

static uint32_t handles_of(zx_handle_t handle)
{
	zx_info_handle_count_t count = { .handle_count = 0 };

	zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &count, sizeof(count),
			   NULL, NULL);
	return count.handle_count;
}

TEST(a_handle_goes_and_comes_back)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_info_handle_basic_t before, after;
	zx_handle_t same = ZX_HANDLE_INVALID;
	int fd = -1;
	char text[6];

	vmo = with_rights(vmo, ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_MAP);
	before = basic_of(vmo);
	ASSERT_EQ(ZX_OK, zx_vmo_write(vmo, "hello", 0, 6));
	ASSERT_EQ(ZX_OK, fdio_fd_create(vmo, &fd));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close(vmo));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(6, pread(fd, text, 6, 0));
	EXPECT_STREQ("hello", text);

	ASSERT_EQ(ZX_OK, fdio_fd_transfer(fd, &same));
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));
	after = basic_of(same);
	EXPECT_EQ(before.koid, after.koid);
	EXPECT_EQ(before.rights, after.rights);
	EXPECT_EQ(ZX_OBJ_TYPE_VMO, after.type);
	EXPECT_EQ(ZX_OK, zx_handle_close(same));
}

TEST(every_type)
{
	zx_handle_t handles[6], back;
	uint32_t types[] = {
		ZX_OBJ_TYPE_VMO, ZX_OBJ_TYPE_STREAM, ZX_OBJ_TYPE_EVENT,
		ZX_OBJ_TYPE_EVENTPAIR, ZX_OBJ_TYPE_EVENTPAIR, ZX_OBJ_TYPE_PORT,
	};
	int fd;

	handles[0] = new_vmo(PAGE, 0);
	ASSERT_EQ(ZX_OK, zx_stream_create(ZX_STREAM_MODE_READ, handles[0], 0, &handles[1]));
	ASSERT_EQ(ZX_OK, zx_event_create(0, &handles[2]));
	ASSERT_EQ(ZX_OK, zx_eventpair_create(0, &handles[3], &handles[4]));
	ASSERT_EQ(ZX_OK, zx_port_create(0, &handles[5]));
	for (int i = 0; i < 6; i++) {
		zx_koid_t koid = basic_of(handles[i]).koid;

		ASSERT_EQ(ZX_OK, fdio_fd_create(handles[i], &fd));
		ASSERT_EQ(ZX_OK, fdio_fd_transfer_or_clone(fd, &back));
		EXPECT_EQ(koid, basic_of(back).koid);
		EXPECT_EQ(types[i], basic_of(back).type);
		EXPECT_EQ(ZX_OK, zx_handle_close(back));
	}
}

TEST(a_clone_is_another_handle)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), clone, lesser;
	int fd;

	lesser = with_rights(vmo, ZX_RIGHT_READ);
	ASSERT_EQ(2, handles_of(vmo));
	ASSERT_EQ(ZX_OK, fdio_fd_create(vmo, &fd));
	ASSERT_EQ(ZX_OK, fdio_fd_clone(fd, &clone));
	EXPECT_EQ(3, handles_of(clone));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(2, handles_of(clone));
	EXPECT_EQ(ZX_OK, zx_vmo_write(clone, "x", 0, 1));

	ASSERT_EQ(ZX_OK, fdio_fd_create(lesser, &fd));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, fdio_fd_clone(fd, &lesser));
	EXPECT_EQ(ZX_OK, fdio_fd_transfer(fd, &lesser));
	EXPECT_EQ(ZX_OK, zx_handle_close(lesser));
	EXPECT_EQ(ZX_OK, zx_handle_close(clone));
}

TEST(what_is_no_handle)
{
	zx_handle_t out = ZX_HANDLE_INVALID;
	int zero = open("/dev/zero", O_RDONLY), device = open("/dev/zxvmo", O_RDWR);
	int bad[] = { -1, -100, 1000000 }, other[] = { zero, device }, fd = -1;

	ASSERT_LE(0, zero);
	ASSERT_LE(0, device);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, fdio_fd_clone(bad[i], &out));
		EXPECT_EQ(ZX_ERR_INVALID_ARGS, fdio_fd_transfer(bad[i], &out));
	}
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, fdio_fd_clone(other[i], &out));
		EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, fdio_fd_transfer(other[i], &out));
		EXPECT_EQ(0, fcntl(other[i], F_GETFD));
	}
	EXPECT_EQ(ZX_HANDLE_INVALID, out);

	EXPECT_EQ(ZX_ERR_BAD_HANDLE, fdio_fd_create(ZX_HANDLE_INVALID, &fd));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, fdio_fd_create(closed_handle(), &fd));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, fdio_fd_create(zx_vmar_root_self(), &fd));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, fdio_fd_create(zx_process_self(), &fd));
	EXPECT_EQ(-1, fd);
}

/* A failure consumes the handle, and leaves the descriptor. */
TEST(bad_results)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), other = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	int fd;

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, fdio_fd_create(other, NULL));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_handle_close(other));
	EXPECT_EQ(1, handles_of(vmo));

	ASSERT_EQ(ZX_OK, fdio_fd_create(vmo, &fd));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, fdio_fd_transfer(fd, NULL));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, fdio_fd_clone(fd, (zx_handle_t *)8));
	ASSERT_EQ(ZX_OK, fdio_fd_transfer(fd, &vmo));
	EXPECT_EQ(1, handles_of(vmo));
	EXPECT_EQ(ZX_OK, zx_handle_close(vmo));
}

TEST(no_descriptor_left)
{
	struct rlimit limit, none;
	zx_handle_t vmo = new_vmo(PAGE, 0), same;
	int fd;

	ASSERT_EQ(ZX_OK, fdio_fd_create(vmo, &fd));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 3;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(ZX_ERR_NO_RESOURCES, fdio_fd_transfer(fd, &same));
	EXPECT_EQ(ZX_ERR_NO_RESOURCES, fdio_fd_clone(fd, &same));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ASSERT_EQ(ZX_OK, fdio_fd_transfer(fd, &same));
	EXPECT_EQ(ZX_OK, zx_handle_close(same));
}

/* What ported code wants: a handle for another process, which has its rights. */
TEST(sent_to_another_process)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), reader = with_rights(vmo, ZX_RIGHT_READ), received;
	int sockets[2], fd, status;
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		char text[6] = "";

		fd = recv_fd(sockets[1]);
		_exit(fdio_fd_transfer(fd, &received) != ZX_OK ||
		      zx_vmo_read(received, text, 0, 6) != ZX_OK ||
		      strcmp(text, "hello") ||
		      zx_vmo_write(received, text, 0, 6) != ZX_ERR_ACCESS_DENIED ||
		      zx_handle_close(received) != ZX_OK);
	}
	EXPECT_EQ(ZX_OK, zx_vmo_write(vmo, "hello", 0, 6));
	ASSERT_EQ(ZX_OK, fdio_fd_create(reader, &fd));
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	EXPECT_EQ(0, close(fd));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(ZX_OK, zx_handle_close(vmo));
}

TEST_HARNESS_MAIN
