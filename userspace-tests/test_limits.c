// SPDX-License-Identifier: GPL-2.0
/*
 * The limits of a user without privilege: user_memory_percent and
 * max_user_objects. What is beyond them fails with a status, what is freed can be
 * had again, and nobody else is concerned.
 */
#include "cgroup_test.h"
#include "zxvmo_test.h"

#define PARAMETERS	"/sys/module/zxvmo/parameters"

FIXTURE(limits) {
	char percent[16], objects[16];
	int device;
};

static bool set_parameter(const char *name, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", value);
	return write_file(PARAMETERS, name, text);
}

static unsigned long memory_pages(void)
{
	char value[64];

	return proc_value("/proc/meminfo", "MemTotal:", value, sizeof(value)) ?
	       strtoul(value, NULL, 10) / 4 : 0;
}

FIXTURE_SETUP(limits)
{
	ASSERT_TRUE(proc_value(PARAMETERS "/user_memory_percent", "", self->percent, 16));
	ASSERT_TRUE(proc_value(PARAMETERS "/max_user_objects", "", self->objects, 16));
	self->device = open_device();
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(limits)
{
	EXPECT_TRUE(write_file(PARAMETERS, "user_memory_percent", self->percent));
	EXPECT_TRUE(write_file(PARAMETERS, "max_user_objects", self->objects));
}

#define DATA	FIXTURE_DATA(limits)

static int create(const DATA *self, __u64 size, __u32 options)
{
	struct zxvmo_create arg = { .size = size, .options = options };
	int status = zxvmo_call(self->device, ZXVMO_IOC_CREATE, &arg);

	return status ? status : arg.handle;
}

TEST_F(limits, defaults)
{
	EXPECT_STREQ("50", self->percent);
	/* 1/25 of memory at 2 KiB each; MemTotal is what the kernel counts, too. */
	EXPECT_LT(memory_pages() * 2 / 26, strtoul(self->objects, NULL, 10));
	EXPECT_GT(memory_pages() * 2 / 24, strtoul(self->objects, NULL, 10));
}

/* How many pages can be committed in a VMO now, by calls. */
static unsigned long fill_up(int fd, unsigned long from)
{
	unsigned long page;

	for (page = from;; page++) {
		int status = vmo_write(fd, "x", page * PAGE, 1);

		if (status)
			return status == ZX_ERR_NO_MEMORY ? page - from : 0;
	}
}

/* One percent of memory, or two. The sum over the processors may be off a bit. */
#define SLACK	1024

static int use_memory(void *arg)
{
	const DATA *self = arg;
	unsigned long limit = memory_pages() / 100, pages, again;
	int fd, other, child;
	unsigned char *at;

	HOLDS(!become_nobody());
	fd = create(self, 1ULL << 40, 0);
	HOLDS(fd >= 0);
	pages = fill_up(fd, 0);
	HOLDS(pages > limit - SLACK && pages < limit + SLACK);
	/* By any way, and in another VMO as well. */
	HOLDS(vmo_op_range(fd, ZX_VMO_OP_COMMIT, pages * PAGE, 64 * PAGE) == ZX_ERR_NO_MEMORY);
	at = map_shared(fd, (pages + 1) * PAGE, PROT_READ | PROT_WRITE);
	HOLDS(probe_write(at + pages * PAGE, 1) == SIGBUS);
	HOLDS(pwrite(fd, "x", 1, pages * PAGE) < 0 && errno == ENOMEM);
	other = create(self, PAGE, 0);
	HOLDS(vmo_write(other, "x", 0, 1) == ZX_ERR_NO_MEMORY);
	/* Places that nobody has been to leave nothing behind. */
	HOLDS(vmo_write(fd, "x", 1ULL << 39, 1) == ZX_ERR_NO_MEMORY);
	/* What is there can be used, and snapshots cost nothing. */
	HOLDS(vmo_write(fd, "y", 0, 1) == ZX_OK);
	HOLDS(!probe_write(at, 'z'));
	child = vmo_snapshot(fd, 0, pages * PAGE);
	HOLDS(child >= 0 && vmo_holds(child, 'z', 0, 1));
	HOLDS(vmo_write(child, "y", 0, 1) == ZX_ERR_NO_MEMORY);
	HOLDS(vmo_holds(child, 'z', 0, 1));
	close(child);
	/* What is given back can be had again. */
	HOLDS(vmo_op_range(fd, ZX_VMO_OP_ZERO, 0, pages / 2 * PAGE) == ZX_OK);
	again = fill_up(other = create(self, 1ULL << 40, 0), 0);
	HOLDS(again > pages / 2 - SLACK && again < pages / 2 + SLACK);
	munmap(at, (pages + 1) * PAGE);
	close(fd);
	close(other);
	fd = create(self, 1ULL << 40, 0);
	again = fill_up(fd, 0);
	HOLDS(again > limit - SLACK && again < limit + SLACK);
	return 0;
}

TEST_F(limits, memory)
{
	ASSERT_TRUE(set_parameter("user_memory_percent", 1));
	EXPECT_EQ(0, in_child(use_memory, self));
	/* Nothing of it is left: another one has as much. */
	EXPECT_EQ(0, in_child(use_memory, self));
	ASSERT_TRUE(set_parameter("user_memory_percent", 0));
	/* Who has the capability is not concerned. */
	EXPECT_EQ(ZX_OK, vmo_fill(vmo_create(64 * PAGE, 0), 1, 64));
}

/* Pages outlive the VMO that they were made for where a relative shows them. */
static int leave_pages(void *arg)
{
	const DATA *self = arg;

	HOLDS(!become_nobody());
	HOLDS(vmo_fill(self->device, 1, 256) == ZX_OK);
	return 0;
}

TEST_F(limits, pages_that_relatives_show)
{
	FIXTURE_DATA(limits) of_child = *self;
	int parent = vmo_create(256 * PAGE, 0);

	/* root's VMO: root's pages, whoever fills it. */
	ASSERT_TRUE(set_parameter("user_memory_percent", 0));
	of_child.device = parent;
	EXPECT_EQ(0, in_child(leave_pages, &of_child));
	EXPECT_EQ(256 * PAGE, vmo_info(parent).committed_bytes);
}

/* The kinds of things that count. */
enum kind { HANDLES, EVENTS, STREAMS, MAPPINGS, PACKETS, OBSERVATIONS, KINDS };

static int make_one(const DATA *self, enum kind kind, int vmo, int port)
{
	struct zxvmo_create_event event = { };
	struct zxvmo_create_stream stream = { .options = ZX_STREAM_MODE_READ };
	struct zxvmo_port_packet packet = { };
	void *at;

	switch (kind) {
	case HANDLES:
		return -vmo_duplicate(vmo, ZX_RIGHT_SAME_RIGHTS);
	case EVENTS:
		return zxvmo_call(self->device, ZXVMO_IOC_CREATE_EVENT, &event);
	case STREAMS:
		return zxvmo_call(vmo, ZXVMO_IOC_CREATE_STREAM, &stream);
	case MAPPINGS:
		return vmo_map(vmo, ZX_VM_PERM_READ, 0, PAGE, &at);
	case PACKETS:
		return port_queue(port, &packet);
	default:
		return wait_async(vmo, port, 1, ZX_USER_SIGNAL_0, 0);
	}
}

static int use_objects(void *arg)
{
	static const int wanted[KINDS] = {
		[HANDLES] = -ZX_ERR_NO_RESOURCES, [EVENTS] = ZX_ERR_NO_RESOURCES,
		[STREAMS] = ZX_ERR_NO_RESOURCES, [MAPPINGS] = ZX_ERR_NO_RESOURCES,
		[PACKETS] = ZX_ERR_NO_MEMORY, [OBSERVATIONS] = ZX_ERR_NO_MEMORY,
	};
	struct zxvmo_create_port create_port = { };
	const DATA *self = arg;
	int kind, status, count, vmo;

	HOLDS(!become_nobody());
	for (kind = 0; kind < KINDS; kind++) {
		vmo = create(self, PAGE, 0);
		HOLDS(vmo >= 0);
		HOLDS(zxvmo_call(self->device, ZXVMO_IOC_CREATE_PORT, &create_port) == ZX_OK);
		for (count = 0;; count++) {
			status = make_one(self, kind, vmo, create_port.handle);
			if (kind == HANDLES ? status > 0 : status)
				break;
			HOLDS(count < 200);
		}
		if (kind == HANDLES)
			HOLDS(status == abs(ZX_ERR_NO_RESOURCES));
		else
			HOLDS(status == wanted[kind]);
		HOLDS(count > 80 && count < 100);
		/* What there is goes on. */
		HOLDS(vmo_write(vmo, "x", 0, 1) == ZX_OK);
		HOLDS(create(self, PAGE, 0) == ZX_ERR_NO_RESOURCES);
		/* All but the device; the mappings as well. */
		if (kind == MAPPINGS)
			return 0;
		HOLDS(!close_range(self->device + 1, ~0U, 0));
	}
	return 0;
}

TEST_F(limits, objects)
{
	int i;

	ASSERT_TRUE(set_parameter("max_user_objects", 100));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, in_child(use_objects, self));
	/* Who has the capability is not concerned. */
	for (i = 0; i < 200; i++)
		EXPECT_LE(0, vmo_create(PAGE, 0));
}

static int only_create(void *arg)
{
	HOLDS(!become_nobody());
	return create(arg, PAGE, 0) != ZX_ERR_NO_RESOURCES;
}

TEST_F(limits, none_at_all)
{
	ASSERT_TRUE(set_parameter("max_user_objects", 0));
	EXPECT_EQ(0, in_child(only_create, self));
}

TEST_HARNESS_MAIN
