// SPDX-License-Identifier: GPL-2.0
/*
 * Cache policies as the processor sees them: a page has the same attribute in
 * every mapping and in the kernel's own, at any time, and the ordinary one once
 * it is free. Looks into page tables; see page_table.h.
 */
#include <pthread.h>

#include "page_table.h"
#include "zxvmo_test.h"

#define PAGES	70	/* more than one leaf of a page map */
#define SIZE	(PAGES * PAGE)

static const struct {
	unsigned int policy;
	enum attribute attribute;
} policies[] = {
	{ ZX_CACHE_POLICY_UNCACHED, UNCACHED },
	{ ZX_CACHE_POLICY_WRITE_COMBINING, WRITE_COMBINING },
	{ ZX_CACHE_POLICY_UNCACHED_DEVICE, UNCACHED },
	{ ZX_CACHE_POLICY_CACHED, WRITE_BACK },
};


FIXTURE(attributes) {
	uint64_t table, physical[PAGES];
	int fd;
};

FIXTURE_SETUP(attributes)
{
	if (!open_kcore())
		SKIP(return, "no /proc/kcore");
	self->table = own_table();
	if (!self->table)
		SKIP(return, "no probes in this kernel");
	self->fd = vmo_create(SIZE, 0);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(attributes)
{
}

static enum attribute in_kernel(FIXTURE_DATA(attributes) *self, uint64_t physical)
{
	uint64_t found = ~0ULL;
	enum attribute attribute = walk(self->table, direct_map(physical), &found);

	return found == physical ? attribute : NO_ATTRIBUTE;
}

/* The attribute that all three places agree on. */
static enum attribute everywhere(FIXTURE_DATA(attributes) *self, unsigned char *at,
				 uint64_t *physical)
{
	uint64_t found = ~0ULL;
	enum attribute attribute = walk(self->table, (unsigned long)at, &found);

	*physical = physical_of(at);
	if (!*physical || found != *physical || in_kernel(self, *physical) != attribute ||
	    noted_attribute(*physical) != attribute)
		return NO_ATTRIBUTE;
	return attribute;
}

/* That the test itself can tell: ordinary memory. */
TEST_F(attributes, of_ordinary_memory)
{
	unsigned char *page = anon_pages(1, PROT_READ | PROT_WRITE);
	uint64_t physical;

	page[0] = 1;
	EXPECT_EQ(WRITE_BACK, everywhere(self, page, &physical));
	page = map_shared(self->fd, PAGE, PROT_READ | PROT_WRITE);
	page[0] = 1;
	EXPECT_EQ(WRITE_BACK, everywhere(self, page, &physical));
}

TEST_F(attributes, follow_the_policy)
{
	unsigned char *at;
	size_t i, page;

	/* Some are there already, some are made by the write, some by the read. */
	ASSERT_EQ(ZX_OK, vmo_fill(self->fd, 0x77, PAGES / 2));
	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->fd, policies[i].policy));
		at = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, at);
		for (page = 0; page < PAGES; page++) {
			EXPECT_EQ(page < PAGES / 2 ? 0x77 : 0, at[page * PAGE]);
			if (page % 2)
				at[page * PAGE + 1] = page;
			EXPECT_EQ(policies[i].attribute,
				  everywhere(self, at + page * PAGE, &self->physical[page]))
				TH_LOG("policy %u, page %zu", policies[i].policy, page);
		}
		/* As the same pages, kept, under the next policy. */
		munmap(at, SIZE);
		for (page = 0; page < PAGES; page++)
			EXPECT_EQ(policies[i].attribute, in_kernel(self, self->physical[page]));
	}
	for (page = 1; page < PAGES; page += 2)
		EXPECT_TRUE(vmo_holds(self->fd, page, page * PAGE + 1, 1));
}

/* Map, touch everything and note where it is. */
static bool use_all(FIXTURE_DATA(attributes) *self, unsigned int policy)
{
	unsigned char *at;
	size_t page;

	if (vmo_set_cache_policy(self->fd, policy))
		return false;
	at = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	if (at == MAP_FAILED)
		return false;
	for (page = 0; page < PAGES; page++) {
		at[page * PAGE] = 1;
		if (everywhere(self, at + page * PAGE, &self->physical[page]) == NO_ATTRIBUTE)
			return false;
	}
	return !munmap(at, SIZE);
}

static size_t not_write_back(FIXTURE_DATA(attributes) *self)
{
	size_t page, count = 0;

	for (page = 0; page < PAGES; page++)
		count += in_kernel(self, self->physical[page]) != WRITE_BACK ||
			 noted_attribute(self->physical[page]) != WRITE_BACK;
	return count;
}

TEST_F(attributes, end_with_the_vmo)
{
	ASSERT_TRUE(use_all(self, ZX_CACHE_POLICY_UNCACHED));
	EXPECT_EQ(PAGES, not_write_back(self));
	close(self->fd);
	EXPECT_EQ(0, not_write_back(self));
}

TEST_F(attributes, end_with_the_page)
{
	ASSERT_TRUE(use_all(self, ZX_CACHE_POLICY_WRITE_COMBINING));
	EXPECT_EQ(PAGES, not_write_back(self));
	EXPECT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_DECOMMIT, PAGE, PAGE));
	EXPECT_EQ(PAGES - 1, not_write_back(self));
	EXPECT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_DECOMMIT, 0, SIZE));
	EXPECT_EQ(0, not_write_back(self));
}

TEST_F(attributes, end_with_the_size)
{
	close(self->fd);
	self->fd = vmo_create(SIZE, ZX_VMO_RESIZABLE);
	ASSERT_TRUE(use_all(self, ZX_CACHE_POLICY_UNCACHED_DEVICE));
	EXPECT_EQ(ZX_OK, vmo_set_size(self->fd, 3 * PAGE - 1));
	EXPECT_EQ(3, not_write_back(self));
	EXPECT_EQ(ZX_OK, vmo_set_size(self->fd, 0));
	EXPECT_EQ(0, not_write_back(self));
}

/* A pipe that keeps the pages reads them whatever they are. */
TEST_F(attributes, end_while_a_pipe_holds_the_page)
{
	struct iovec iov = { .iov_len = PAGE };
	unsigned char *at, page[PAGE];
	uint64_t physical;
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->fd, ZX_CACHE_POLICY_UNCACHED));
	at = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	memset(at, 0x31, PAGE);
	iov.iov_base = at;
	ASSERT_EQ(PAGE, vmsplice(pipes[1], &iov, 1, 0));
	EXPECT_EQ(UNCACHED, everywhere(self, at, &physical));
	ASSERT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(WRITE_BACK, in_kernel(self, physical));
	EXPECT_EQ(0, at[0]);
	EXPECT_EQ(PAGE, read(pipes[0], page, PAGE));
	EXPECT_TRUE(all_bytes(page, 0x31, PAGE));
}

/* What COMMIT promises includes the attribute. */
TEST_F(attributes, of_committed_pages)
{
	unsigned char *at;
	uint64_t physical;
	size_t page;

	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->fd, ZX_CACHE_POLICY_WRITE_COMBINING));
	at = map_shared(self->fd, SIZE, PROT_READ | PROT_WRITE);
	at[PAGE] = 1;
	ASSERT_EQ(ZX_OK, vmo_op_range(self->fd, ZX_VMO_OP_COMMIT, 0, SIZE));
	for (page = 0; page < PAGES; page++) {
		EXPECT_EQ(page == 1, at[page * PAGE]);
		EXPECT_EQ(WRITE_COMBINING, everywhere(self, at + page * PAGE, &physical));
	}
	mprotect(at, SIZE, PROT_READ);
	mprotect(at, SIZE, PROT_READ | PROT_WRITE);
	for (page = 0; page < PAGES; page++) {
		at[page * PAGE] = 2;
		EXPECT_EQ(WRITE_COMBINING, everywhere(self, at + page * PAGE, &physical));
	}
}

/* Copies of a private mapping would be ordinary memory, shown as if they were not. */
TEST_F(attributes, private_mappings)
{
	void *at;

	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->fd, ZX_CACHE_POLICY_UNCACHED));
	errno = 0;
	EXPECT_EQ(MAP_FAILED, map_private(self->fd, PAGE, PROT_READ));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_private(self->fd, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, vmo_info(self->fd).num_mappings);
	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->fd, ZX_CACHE_POLICY_CACHED));
	at = map_private(self->fd, PAGE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(ZX_ERR_BAD_STATE, vmo_set_cache_policy(self->fd, ZX_CACHE_POLICY_UNCACHED));
	munmap(at, PAGE);
	EXPECT_EQ(ZX_OK, vmo_set_cache_policy(self->fd, ZX_CACHE_POLICY_UNCACHED));
}

TEST(system_calls)
{
	int fd = vmo_create(PAGE, 0);
	char byte = 1;

	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(fd, ZX_CACHE_POLICY_UNCACHED));
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(EBUSY, errno);
	errno = 0;
	EXPECT_EQ(-1, pwrite(fd, &byte, 1, 0));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(fd, ZX_CACHE_POLICY_CACHED));
	EXPECT_EQ(1, pwrite(fd, &byte, 1, 0));
}

#define ROUNDS	150

struct race {
	int fd;
	_Atomic int stop;
	unsigned long set, refused, other;
};

static void *change_policies(void *arg)
{
	struct race *race = arg;
	unsigned int policy = 0;

	while (!race->stop) {
		switch (vmo_set_cache_policy(race->fd, policy++ & 3)) {
		case ZX_OK:
			race->set++;
			break;
		case ZX_ERR_BAD_STATE:
			race->refused++;
			break;
		default:
			race->other++;
		}
	}
	return NULL;
}

/* A mapping shows one policy from the first to the last, and it is the VMO's. */
TEST_F(attributes, race_with_mapping)
{
	static const enum attribute expected[] = {
		WRITE_BACK, UNCACHED, UNCACHED, WRITE_COMBINING,
	};
	struct race race = { .fd = self->fd };
	unsigned int seen[4] = { };
	pthread_t threads[2];
	unsigned char *at;
	uint64_t physical;
	size_t i, page;

	ASSERT_EQ(0, pthread_create(&threads[0], NULL, change_policies, &race));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, change_policies, &race));
	for (i = 0; i < ROUNDS; i++) {
		unsigned int policy;

		at = map_shared(self->fd, 4 * PAGE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, at);
		policy = vmo_info(self->fd).cache_policy;
		ASSERT_GT(4, policy);
		seen[policy]++;
		for (page = 0; page < 4; page++) {
			at[page * PAGE] = i;
			EXPECT_EQ(expected[policy], everywhere(self, at + page * PAGE, &physical));
		}
		EXPECT_EQ(policy, vmo_info(self->fd).cache_policy);
		munmap(at, 4 * PAGE);
		/* Let the others have a turn. */
		usleep(200);
	}
	race.stop = 1;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	EXPECT_EQ(0, race.other);
	TH_LOG("policies seen: %u %u %u %u; set %lu, refused %lu", seen[0], seen[1], seen[2],
	       seen[3], race.set, race.refused);
	EXPECT_NE(0, race.set);
}

static void *make_children(void *arg)
{
	struct race *race = arg;
	int child;

	while (!race->stop) {
		unsigned int option = race->refused % 3 == 0 ? ZX_VMO_CHILD_SNAPSHOT :
				      race->refused % 3 == 1 ? ZX_VMO_CHILD_SLICE :
							       ZX_VMO_CHILD_REFERENCE;

		child = vmo_create_child(race->fd, option, 0,
					 option == ZX_VMO_CHILD_REFERENCE ? 0 : PAGE);
		race->refused++;
		if (child >= 0) {
			/* While there is a child the parent is cached. */
			race->other += vmo_info(race->fd).cache_policy != ZX_CACHE_POLICY_CACHED;
			race->set++;
			close(child);
		} else if (child != ZX_ERR_BAD_STATE) {
			race->other++;
		}
	}
	return NULL;
}

TEST_F(attributes, race_with_children)
{
	struct race changes = { .fd = self->fd }, children = { .fd = self->fd };
	pthread_t threads[2];

	ASSERT_EQ(ZX_OK, vmo_fill(self->fd, 1, PAGES));
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, change_policies, &changes));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, make_children, &children));
	sleep(1);
	changes.stop = 1;
	children.stop = 1;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	EXPECT_EQ(0, changes.other);
	EXPECT_EQ(0, children.other);
	EXPECT_NE(0, changes.set);
	EXPECT_NE(0, children.set);
	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->fd, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(vmo_holds(self->fd, 1, 0, PAGE));
	EXPECT_TRUE(vmo_holds(self->fd, 1, SIZE - PAGE, PAGE));
}

TEST_HARNESS_MAIN
