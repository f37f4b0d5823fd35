// SPDX-License-Identifier: GPL-2.0
/*
 * Handles, mappings and objects: what counts as what, and a VMO that lives on
 * in its mappings.
 */
#include "zxvmo_test.h"

#define SIZE	(4 * PAGE)

TEST(only_handles_are_counted)
{
	int fd = vmo_create(SIZE, 0), other, replaced;
	void *at;

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, vmo_handle_count(fd));
	at = map_shared(fd, SIZE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(1, vmo_handle_count(fd));
	other = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	EXPECT_EQ(2, vmo_handle_count(fd));
	replaced = vmo_replace(other, ZX_RIGHT_READ | ZX_RIGHT_INSPECT);
	EXPECT_EQ(2, vmo_handle_count(fd));
	/* What is left of the source is no handle, and not one less later. */
	close(other);
	EXPECT_EQ(2, vmo_handle_count(replaced));
	close(replaced);
	EXPECT_EQ(1, vmo_handle_count(fd));
	EXPECT_EQ(0, munmap(at, SIZE));
	EXPECT_EQ(1, vmo_handle_count(fd));
}

TEST(descriptors_of_one_handle_are_one)
{
	int fd = vmo_create(SIZE, 0), sockets[2], copy;

	copy = dup(fd);
	EXPECT_EQ(1, vmo_handle_count(fd));
	close(copy);
	EXPECT_EQ(1, vmo_handle_count(fd));
	/* On its way in a message it is the same handle, too. */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	EXPECT_EQ(1, vmo_handle_count(fd));
	close(fd);
	fd = recv_fd(sockets[1]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, vmo_handle_count(fd));
}

TEST(a_handle_in_a_message_counts)
{
	int fd = vmo_create(SIZE, 0), sockets[2], other;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	other = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	ASSERT_EQ(0, send_fd(sockets[0], other));
	close(other);
	EXPECT_EQ(2, vmo_handle_count(fd));
	/* Nobody ever takes it. */
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_EQ(1, vmo_handle_count(fd));
}

static int close_inherited(void *arg)
{
	int fd = *(int *)arg;

	HOLDS(vmo_handle_count(fd) == 1);
	HOLDS(!close(fd));
	return 0;
}

TEST(fork_makes_no_handles)
{
	int fd = vmo_create(SIZE, 0);

	EXPECT_EQ(0, in_child(close_inherited, &fd));
	EXPECT_EQ(1, vmo_handle_count(fd));
}

TEST(content_lives_in_the_mapping)
{
	int fd = vmo_create(SIZE, 0);
	char line[256], expected[64];
	unsigned char *at;

	snprintf(expected, sizeof(expected), "/zxvmo:%llu", vmo_info(fd).koid);
	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0x11, 2));
	at = map_shared(fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	at[3 * PAGE] = 0x22;
	EXPECT_EQ(0, close(fd));
	EXPECT_TRUE(all_bytes(at, 0x11, 2 * PAGE));
	EXPECT_TRUE(all_bytes(at + 2 * PAGE, 0, PAGE));
	EXPECT_EQ(0x22, at[3 * PAGE]);
	memset(at, 0x33, SIZE);
	EXPECT_TRUE(all_bytes(at, 0x33, SIZE));
	ASSERT_TRUE(maps_line(at, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, expected));
	/* What is unmapped is gone, the rest is not. */
	EXPECT_EQ(0, munmap(at + PAGE, PAGE));
	EXPECT_EQ(SIGSEGV, probe_read(at + PAGE));
	EXPECT_TRUE(all_bytes(at, 0x33, PAGE));
	EXPECT_TRUE(all_bytes(at + 2 * PAGE, 0x33, 2 * PAGE));
}

TEST(a_private_view_outlives_the_handle)
{
	int fd = vmo_create(SIZE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0x11, 4));
	at = map_private(fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	at[0] = 0x22;
	close(fd);
	EXPECT_EQ(0x22, at[0]);
	EXPECT_TRUE(all_bytes(at + 1, 0x11, SIZE - 1));
}

struct receiver {
	int socket;
	int done;
};

static int map_received(void *arg)
{
	struct receiver *receiver = arg;
	unsigned char *at;
	int fd = recv_fd(receiver->socket);

	HOLDS(fd >= 0);
	at = map_shared(fd, SIZE, PROT_READ);
	HOLDS(at != MAP_FAILED);
	HOLDS(!close(fd));
	HOLDS(!tell(receiver->socket));
	HOLDS(!hear(receiver->socket));
	/* The sender has neither handle nor mapping any more. */
	HOLDS(all_bytes(at, 0x44, PAGE));
	HOLDS(all_bytes(at + PAGE, 0, 3 * PAGE));
	return 0;
}

TEST(a_mapping_elsewhere_keeps_the_content)
{
	int fd = vmo_create(SIZE, 0), sockets[2];
	struct receiver receiver;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	receiver.socket = sockets[1];
	pid = start_child(map_received, &receiver);
	ASSERT_EQ(ZX_OK, vmo_fill(fd, 0x44, 1));
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	ASSERT_EQ(0, hear(sockets[0]));
	EXPECT_EQ(1, vmo_handle_count(fd));
	EXPECT_EQ(1, vmo_info(fd).num_mappings);
	close(fd);
	ASSERT_EQ(0, tell(sockets[0]));
	EXPECT_EQ(0, end_child(pid));
}

struct forked {
	unsigned char *at;
	int fd;
	int up[2], down[2];
};

static int map_in_child(void *arg)
{
	struct forked *forked = arg;

	HOLDS(*forked->at == 0x55);
	*forked->at = 0x66;
	HOLDS(!tell(forked->up[1]) && !hear(forked->down[0]));
	HOLDS(!munmap(forked->at + PAGE, PAGE));
	HOLDS(!tell(forked->up[1]) && !hear(forked->down[0]));
	return 0;
}

TEST(mappings_and_address_spaces)
{
	struct forked forked = { .fd = vmo_create(SIZE, 0) };
	pid_t pid;

	ASSERT_EQ(0, pipe(forked.up));
	ASSERT_EQ(0, pipe(forked.down));
	forked.at = map_shared(forked.fd, SIZE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, forked.at);
	*forked.at = 0x55;
	EXPECT_EQ(1, vmo_info(forked.fd).num_mappings);
	EXPECT_EQ(1, vmo_info(forked.fd).share_count);
	pid = start_child(map_in_child, &forked);
	ASSERT_EQ(0, hear(forked.up[0]));
	EXPECT_EQ(0x66, *forked.at);
	EXPECT_EQ(2, vmo_info(forked.fd).num_mappings);
	EXPECT_EQ(2, vmo_info(forked.fd).share_count);
	ASSERT_EQ(0, tell(forked.down[1]));
	ASSERT_EQ(0, hear(forked.up[0]));
	/* A hole makes two mappings of one. */
	EXPECT_EQ(3, vmo_info(forked.fd).num_mappings);
	EXPECT_EQ(2, vmo_info(forked.fd).share_count);
	ASSERT_EQ(0, tell(forked.down[1]));
	EXPECT_EQ(0, end_child(pid));
	EXPECT_EQ(1, vmo_info(forked.fd).num_mappings);
	EXPECT_EQ(1, vmo_info(forked.fd).share_count);
	EXPECT_EQ(0, munmap(forked.at, SIZE));
	EXPECT_EQ(0, vmo_info(forked.fd).num_mappings);
	EXPECT_TRUE(vmo_holds(forked.fd, 0x66, 0, 1));
}

TEST(the_last_of_everything_frees_the_pages)
{
	int fd = vmo_create(SIZE, 0), other;
	unsigned long long koid = vmo_info(fd).koid;
	void *at = map_shared(fd, SIZE, PROT_READ);

	/* Neither the handle nor the mapping alone was the last. */
	other = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	close(fd);
	munmap(at, SIZE);
	EXPECT_EQ(koid, vmo_info(other).koid);
	EXPECT_EQ(SIZE, vmo_size(other));
	close(other);
	fd = vmo_create(SIZE, 0);
	EXPECT_LT(koid, vmo_info(fd).koid);
}

static int exit_with_everything(void *unused __always_unused)
{
	int fd = vmo_create(SIZE, ZX_VMO_RESIZABLE), i;

	/* An exit in the middle of it all is a close of all of it. */
	for (i = 0; i < 50; i++) {
		memset(map_shared(fd, SIZE, PROT_READ | PROT_WRITE), i, SIZE);
		vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	}
	HOLDS(vmo_handle_count(fd) == 51);
	HOLDS(vmo_info(fd).num_mappings >= 1);
	raise(SIGKILL);
	return 1;
}

TEST(sudden_death)
{
	EXPECT_EQ(128 + SIGKILL, in_child(exit_with_everything, NULL));
}

TEST_HARNESS_MAIN
