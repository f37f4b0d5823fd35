// SPDX-License-Identifier: GPL-2.0
/*
 * Cache policies as the processor sees them: a page has the same attribute in
 * every mapping and in the kernel's own, at any time, and the ordinary one once
 * it is free. Looks into page tables; see page_table.h.
 */
#include <pthread.h>
#include <stdatomic.h>

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


/* A VMO, where its pages are or were, and the page table of this process. */
struct watch {
	uint64_t table, physical[PAGES];
	int fd;
};

FIXTURE(attributes) {
	struct watch watch;
};

FIXTURE_SETUP(attributes)
{
	if (!open_kcore())
		SKIP(return, "no /proc/kcore");
	self->watch.table = own_table();
	if (!self->watch.table)
		SKIP(return, "no probes in this kernel");
	self->watch.fd = vmo_create(SIZE, 0);
	ASSERT_LE(0, self->watch.fd);
}

FIXTURE_TEARDOWN(attributes)
{
}

static enum attribute in_kernel(struct watch *watch, uint64_t physical)
{
	uint64_t found = ~0ULL;
	enum attribute attribute = walk(watch->table, direct_map(physical), &found);

	return found == physical ? attribute : NO_ATTRIBUTE;
}

/* The attribute that all three places agree on. */
static enum attribute everywhere(struct watch *watch, unsigned char *at,
				 uint64_t *physical)
{
	uint64_t found = ~0ULL;
	enum attribute attribute = walk(watch->table, (unsigned long)at, &found);

	*physical = physical_of(at);
	if (!*physical || found != *physical || in_kernel(watch, *physical) != attribute ||
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
	EXPECT_EQ(WRITE_BACK, everywhere(&self->watch, page, &physical));
	page = map_shared(self->watch.fd, PAGE, PROT_READ | PROT_WRITE);
	page[0] = 1;
	EXPECT_EQ(WRITE_BACK, everywhere(&self->watch, page, &physical));
}

TEST_F(attributes, follow_the_policy)
{
	unsigned char *at;
	size_t i, page;

	/* Some are there already, some are made by the write, some by the read. */
	ASSERT_EQ(ZX_OK, vmo_fill(self->watch.fd, 0x77, PAGES / 2));
	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->watch.fd, policies[i].policy));
		at = map_shared(self->watch.fd, SIZE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, at);
		for (page = 0; page < PAGES; page++) {
			EXPECT_EQ(page < PAGES / 2 ? 0x77 : 0, at[page * PAGE]);
			if (page % 2)
				at[page * PAGE + 1] = page;
			EXPECT_EQ(policies[i].attribute,
				  everywhere(&self->watch, at + page * PAGE,
					     &self->watch.physical[page]))
				TH_LOG("policy %u, page %zu", policies[i].policy, page);
		}
		/* As the same pages, kept, under the next policy. */
		munmap(at, SIZE);
		for (page = 0; page < PAGES; page++)
			EXPECT_EQ(policies[i].attribute,
				  in_kernel(&self->watch, self->watch.physical[page]));
	}
	for (page = 1; page < PAGES; page += 2)
		EXPECT_TRUE(vmo_holds(self->watch.fd, page, page * PAGE + 1, 1));
}

/* Map, touch everything and note where it is. */
static bool use_all(struct watch *watch, unsigned int policy)
{
	unsigned char *at;
	size_t page;

	if (vmo_set_cache_policy(watch->fd, policy))
		return false;
	at = map_shared(watch->fd, SIZE, PROT_READ | PROT_WRITE);
	if (at == MAP_FAILED)
		return false;
	for (page = 0; page < PAGES; page++) {
		at[page * PAGE] = 1;
		if (everywhere(watch, at + page * PAGE, &watch->physical[page]) == NO_ATTRIBUTE)
			return false;
	}
	return !munmap(at, SIZE);
}

static size_t not_write_back(struct watch *watch)
{
	size_t page, count = 0;

	for (page = 0; page < PAGES; page++)
		count += in_kernel(watch, watch->physical[page]) != WRITE_BACK ||
			 noted_attribute(watch->physical[page]) != WRITE_BACK;
	return count;
}

TEST_F(attributes, end_with_the_vmo)
{
	ASSERT_TRUE(use_all(&self->watch, ZX_CACHE_POLICY_UNCACHED));
	EXPECT_EQ(PAGES, not_write_back(&self->watch));
	close(self->watch.fd);
	EXPECT_EQ(0, not_write_back(&self->watch));
}

TEST_F(attributes, end_with_the_page)
{
	ASSERT_TRUE(use_all(&self->watch, ZX_CACHE_POLICY_WRITE_COMBINING));
	EXPECT_EQ(PAGES, not_write_back(&self->watch));
	EXPECT_EQ(ZX_OK, vmo_op_range(self->watch.fd, ZX_VMO_OP_DECOMMIT, PAGE, PAGE));
	EXPECT_EQ(PAGES - 1, not_write_back(&self->watch));
	EXPECT_EQ(ZX_OK, vmo_op_range(self->watch.fd, ZX_VMO_OP_DECOMMIT, 0, SIZE));
	EXPECT_EQ(0, not_write_back(&self->watch));
}

TEST_F(attributes, end_with_the_size)
{
	close(self->watch.fd);
	self->watch.fd = vmo_create(SIZE, ZX_VMO_RESIZABLE);
	ASSERT_TRUE(use_all(&self->watch, ZX_CACHE_POLICY_UNCACHED_DEVICE));
	EXPECT_EQ(ZX_OK, vmo_set_size(self->watch.fd, 3 * PAGE - 1));
	EXPECT_EQ(3, not_write_back(&self->watch));
	EXPECT_EQ(ZX_OK, vmo_set_size(self->watch.fd, 0));
	EXPECT_EQ(0, not_write_back(&self->watch));
}

/* A pipe that keeps the pages reads them whatever they are. */
TEST_F(attributes, end_while_a_pipe_holds_the_page)
{
	struct iovec iov = { .iov_len = PAGE };
	unsigned char *at, page[PAGE];
	uint64_t physical;
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->watch.fd, ZX_CACHE_POLICY_UNCACHED));
	at = map_shared(self->watch.fd, SIZE, PROT_READ | PROT_WRITE);
	memset(at, 0x31, PAGE);
	iov.iov_base = at;
	ASSERT_EQ(PAGE, vmsplice(pipes[1], &iov, 1, 0));
	EXPECT_EQ(UNCACHED, everywhere(&self->watch, at, &physical));
	ASSERT_EQ(ZX_OK, vmo_op_range(self->watch.fd, ZX_VMO_OP_DECOMMIT, 0, PAGE));
	EXPECT_EQ(WRITE_BACK, in_kernel(&self->watch, physical));
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

	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->watch.fd, ZX_CACHE_POLICY_WRITE_COMBINING));
	at = map_shared(self->watch.fd, SIZE, PROT_READ | PROT_WRITE);
	at[PAGE] = 1;
	ASSERT_EQ(ZX_OK, vmo_op_range(self->watch.fd, ZX_VMO_OP_COMMIT, 0, SIZE));
	for (page = 0; page < PAGES; page++) {
		EXPECT_EQ(page == 1, at[page * PAGE]);
		EXPECT_EQ(WRITE_COMBINING, everywhere(&self->watch, at + page * PAGE, &physical));
	}
	mprotect(at, SIZE, PROT_READ);
	mprotect(at, SIZE, PROT_READ | PROT_WRITE);
	for (page = 0; page < PAGES; page++) {
		at[page * PAGE] = 2;
		EXPECT_EQ(WRITE_COMBINING, everywhere(&self->watch, at + page * PAGE, &physical));
	}
}

/* Copies of a private mapping would be ordinary memory, shown as if they were not. */
TEST_F(attributes, private_mappings)
{
	void *at;

	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->watch.fd, ZX_CACHE_POLICY_UNCACHED));
	errno = 0;
	EXPECT_EQ(MAP_FAILED, map_private(self->watch.fd, PAGE, PROT_READ));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_private(self->watch.fd, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, vmo_info(self->watch.fd).num_mappings);
	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->watch.fd, ZX_CACHE_POLICY_CACHED));
	at = map_private(self->watch.fd, PAGE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(ZX_ERR_BAD_STATE, vmo_set_cache_policy(self->watch.fd, ZX_CACHE_POLICY_UNCACHED));
	munmap(at, PAGE);
	EXPECT_EQ(ZX_OK, vmo_set_cache_policy(self->watch.fd, ZX_CACHE_POLICY_UNCACHED));
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
	unsigned long set, refused, other;
	atomic_bool stop;
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
	struct race race = { .fd = self->watch.fd };
	unsigned int seen[4] = { };
	pthread_t threads[2];
	unsigned char *at;
	uint64_t physical;
	size_t i, page;

	ASSERT_EQ(0, pthread_create(&threads[0], NULL, change_policies, &race));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, change_policies, &race));
	for (i = 0; i < ROUNDS; i++) {
		unsigned int policy;

		at = map_shared(self->watch.fd, 4 * PAGE, PROT_READ | PROT_WRITE);
		ASSERT_NE(MAP_FAILED, at);
		policy = vmo_info(self->watch.fd).cache_policy;
		ASSERT_GT(4, policy);
		seen[policy]++;
		for (page = 0; page < 4; page++) {
			at[page * PAGE] = i;
			EXPECT_EQ(expected[policy],
				  everywhere(&self->watch, at + page * PAGE, &physical));
		}
		EXPECT_EQ(policy, vmo_info(self->watch.fd).cache_policy);
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
	static const unsigned int options[] = {
		ZX_VMO_CHILD_SNAPSHOT, ZX_VMO_CHILD_SLICE, ZX_VMO_CHILD_REFERENCE,
	};
	struct race *race = arg;
	int child;

	while (!race->stop) {
		unsigned int option = options[race->refused % 3];
		bool whole = option == ZX_VMO_CHILD_REFERENCE;

		child = vmo_create_child(race->fd, option, 0, whole ? 0 : PAGE);
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
	struct race changes = { .fd = self->watch.fd }, children = { .fd = self->watch.fd };
	pthread_t threads[2];

	ASSERT_EQ(ZX_OK, vmo_fill(self->watch.fd, 1, PAGES));
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
	ASSERT_EQ(ZX_OK, vmo_set_cache_policy(self->watch.fd, ZX_CACHE_POLICY_CACHED));
	EXPECT_TRUE(vmo_holds(self->watch.fd, 1, 0, PAGE));
	EXPECT_TRUE(vmo_holds(self->watch.fd, 1, SIZE - PAGE, PAGE));
}

TEST_HARNESS_MAIN
