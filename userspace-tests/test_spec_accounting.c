// SPDX-License-Identifier: GPL-2.0
/* Who counts which page of a snapshot family: specification 23 and 28.14. */
#include <pthread.h>

#include "zx_test.h"

#define RESIZABLE	(ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE)
#define ONE		(1ULL << 63)	/* in a fractional field */

struct counts {
	uint64_t committed, private, scaled, fraction;
};

static struct counts counts_of(zx_handle_t vmo)
{
	zx_info_vmo_t info = info_of(vmo);
	struct counts counts = {
		info.committed_bytes, info.committed_private_bytes,
		info.committed_scaled_bytes, info.committed_fractional_scaled_bytes,
	};

	/* Without compression the other four fields say the same. */
	if (info.populated_bytes != counts.committed ||
	    info.populated_private_bytes != counts.private ||
	    info.populated_scaled_bytes != counts.scaled ||
	    info.populated_fractional_scaled_bytes != counts.fraction ||
	    counts.fraction >= ONE)
		memset(&counts, 0xff, sizeof(counts));
	return counts;
}

static bool same(struct counts a, struct counts b)
{
	return !memcmp(&a, &b, sizeof(a));
}

/* Whether so many pages are shown alone, by two and by three VMOs. */
static bool shows(zx_handle_t vmo, uint64_t alone, uint64_t by_two, uint64_t by_three)
{
	uint64_t parts = by_three * (ONE / 3) * (PAGE % 3);
	struct counts counts = {
		(alone + by_two + by_three) * PAGE, alone * PAGE,
		alone * PAGE + by_two * PAGE / 2 + by_three * (PAGE / 3) + parts / ONE,
		parts % ONE,
	};

	return same(counts, counts_of(vmo));
}

static zx_handle_t filled(size_t pages, uint32_t options)
{
	zx_handle_t vmo = new_vmo(pages * PAGE, options);

	return fill(vmo, 0xaa, pages) ? ZX_HANDLE_INVALID : vmo;
}

static zx_status_t zero_pages(zx_handle_t vmo, size_t first, size_t count)
{
	return op_range(vmo, ZX_VMO_OP_ZERO, first * PAGE, count * PAGE);
}

TEST(spec_125_reading_changes_nothing)
{
	zx_handle_t vmos[3];
	struct counts before[3];
	unsigned char *at;
	int i;

	vmos[0] = new_vmo(9 * PAGE, 0);
	ASSERT_EQ(ZX_OK, fill(vmos[0], 0xaa, 5));
	vmos[1] = snapshot_of(vmos[0], PAGE, 7 * PAGE);
	ASSERT_EQ(ZX_OK, put_byte(vmos[1], 0, 1));
	vmos[2] = snapshot_of(vmos[1], 0, 9 * PAGE);
	for (i = 0; i < 3; i++)
		before[i] = counts_of(vmos[i]);
	for (i = 0; i < 3; i++) {
		uint64_t size = size_of(vmos[i]);
		const volatile unsigned char *from;
		size_t j;

		EXPECT_FALSE(holds(vmos[i], 0x99, 0, size));
		ASSERT_EQ(ZX_OK, map_vmo(vmos[i], READ_WRITE, size, &at));
		from = (const volatile unsigned char *)at;
		for (j = 0; j < size; j += 512)
			(void)from[j];
		EXPECT_EQ(ZX_OK, op_range(vmos[i], ZX_VMO_OP_PREFETCH, 0, size));
		EXPECT_EQ(ZX_OK, op_range(vmos[i], ZX_VMO_OP_CACHE_CLEAN, 0, size));
		EXPECT_EQ(ZX_OK, op_range(vmos[i], ZX_VMO_OP_DONT_NEED, 0, size));
	}
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(same(before[i], counts_of(vmos[i])));
}

#define MANY	40

TEST(spec_126_one_page_shown_by_many)
{
	zx_handle_t vmos[MANY];
	uint64_t k, i;

	vmos[0] = filled(1, 0);
	EXPECT_TRUE(shows(vmos[0], 1, 0, 0));
	for (k = 2; k <= MANY; k++) {
		/* Snapshots of the last one, or of one in the middle. */
		vmos[k - 1] = snapshot_of(vmos[k % 2 ? k - 2 : k / 2 - 1], 0, PAGE);
		for (i = 0; i < k; i++) {
			struct counts wanted = {
				PAGE, 0, PAGE / k, ONE / k * (PAGE % k),
			};

			EXPECT_TRUE(same(wanted, counts_of(vmos[i])))
				TH_LOG("member %" PRIu64 " of %" PRIu64, i, k);
		}
	}
	/* And back, in the order in which they came. */
	for (k = MANY - 1; k; k--) {
		struct counts wanted = {
			PAGE, k == 1 ? PAGE : 0, PAGE / k, ONE / k * (PAGE % k),
		};

		zx_handle_close(vmos[MANY - 1 - k]);
		EXPECT_TRUE(same(wanted, counts_of(vmos[MANY - 1])));
		EXPECT_TRUE(same(wanted, counts_of(vmos[MANY - k])));
	}
}

TEST(spec_127_example)
{
	zx_handle_t a = new_vmo(9 * PAGE, 0), b, c;

	ASSERT_EQ(ZX_OK, fill(a, 1, 5));
	b = snapshot_of(a, 2 * PAGE, 4 * PAGE);
	c = snapshot_of(b, PAGE, PAGE);
	EXPECT_TRUE(shows(a, 2, 2, 1));
	EXPECT_EQ(13653, counts_of(a).scaled);
	EXPECT_TRUE(shows(b, 0, 2, 1));
	EXPECT_EQ(5461, counts_of(b).scaled);
	EXPECT_TRUE(shows(c, 0, 0, 1));
	EXPECT_EQ(1365, counts_of(c).scaled);
	EXPECT_EQ(ZX_OK, zero_pages(a, 3, 1));
	EXPECT_TRUE(shows(a, 2, 2, 0));
	EXPECT_TRUE(shows(b, 0, 3, 0));
	EXPECT_TRUE(shows(c, 0, 1, 0));
	zx_handle_close(b);
	EXPECT_TRUE(shows(a, 4, 0, 0));
	EXPECT_TRUE(shows(c, 1, 0, 0));
	ASSERT_EQ(ZX_OK, put_byte(c, 0, 9));
	EXPECT_TRUE(shows(a, 4, 0, 0));
	EXPECT_TRUE(shows(c, 1, 0, 0));
}

TEST(spec_128_outside_of_every_view)
{
	zx_handle_t vmo = filled(200, 0), child = snapshot_of(vmo, 64 * PAGE, 10 * PAGE);

	EXPECT_TRUE(shows(vmo, 190, 10, 0));
	ASSERT_EQ(ZX_OK, put_byte(vmo, 63 * PAGE, 1));
	ASSERT_EQ(ZX_OK, put_byte(vmo, 74 * PAGE, 1));
	ASSERT_EQ(ZX_OK, put_byte(vmo, 0, 1));
	EXPECT_TRUE(shows(vmo, 190, 10, 0));
	EXPECT_TRUE(shows(child, 0, 10, 0));
}

TEST(spec_129_views_of_nothing)
{
	zx_handle_t vmo = new_vmo(9 * PAGE, 0), beyond, untouched;

	ASSERT_EQ(ZX_OK, fill(vmo, 1, 2));
	beyond = snapshot_of(vmo, 20 * PAGE, 2 * PAGE);
	untouched = snapshot_of(vmo, 2 * PAGE, 7 * PAGE);
	EXPECT_TRUE(shows(vmo, 2, 0, 0));
	EXPECT_TRUE(shows(beyond, 0, 0, 0));
	EXPECT_TRUE(shows(untouched, 0, 0, 0));
	ASSERT_EQ(ZX_OK, put_byte(beyond, 0, 1));
	ASSERT_EQ(ZX_OK, put_byte(untouched, PAGE, 1));
	EXPECT_TRUE(shows(vmo, 2, 0, 0));
	EXPECT_TRUE(shows(beyond, 1, 0, 0));
	EXPECT_TRUE(shows(untouched, 1, 0, 0));
}

TEST(spec_130_shown_by_two)
{
	zx_handle_t pair[2];
	unsigned char *at;
	int round, writer;

	for (round = 0; round < 4; round++) {
		pair[0] = filled(1, 0);
		pair[1] = snapshot_of(pair[0], 0, PAGE);
		EXPECT_TRUE(shows(pair[0], 0, 1, 0));
		EXPECT_TRUE(shows(pair[1], 0, 1, 0));
		writer = round % 2;
		if (round < 2) {
			ASSERT_EQ(ZX_OK, put_byte(pair[writer], 0, 1));
		} else {
			ASSERT_EQ(ZX_OK, map_vmo(pair[writer], READ_WRITE, PAGE, &at));
			*at = 1;
		}
		EXPECT_TRUE(shows(pair[0], 1, 0, 0));
		EXPECT_TRUE(shows(pair[1], 1, 0, 0));
		ASSERT_EQ(ZX_OK, put_byte(pair[0], 0, 2));
		ASSERT_EQ(ZX_OK, put_byte(pair[1], 0, 2));
		EXPECT_TRUE(shows(pair[0], 1, 0, 0));
		EXPECT_TRUE(shows(pair[1], 1, 0, 0));
	}
}

/* The ways in which a VMO of one page stops showing the shared page. */
static zx_status_t leave(zx_handle_t vmo, int way)
{
	switch (way) {
	case 0:
		return put_byte(vmo, 0, 1);
	case 1:
		return op_range(vmo, ZX_VMO_OP_COMMIT, 0, 1);
	case 2:
		return op_range(vmo, ZX_VMO_OP_ZERO, 1, 10);
	case 3:
		return zero_pages(vmo, 0, 1);
	case 4:
		return zx_vmo_set_size(vmo, 0);
	case 5:
		return zx_vmo_set_stream_size(vmo, 0);
	default:
		return zx_handle_close(vmo);
	}
}

#define WAYS	7

TEST(spec_131_shown_by_three)
{
	zx_handle_t trio[3];
	int way, who, i;

	for (way = 0; way < WAYS; way++) {
		for (who = 0; who < 3; who++) {
			trio[0] = filled(1, ZX_VMO_RESIZABLE);
			trio[1] = new_child(trio[0], RESIZABLE, 0, PAGE);
			trio[2] = new_child(trio[way % 2], RESIZABLE, 0, PAGE);
			for (i = 0; i < 3; i++)
				EXPECT_TRUE(shows(trio[i], 0, 0, 1));
			EXPECT_EQ(ZX_OK, leave(trio[who], way));
			for (i = 0; i < 3; i++) {
				if (i == who && way < WAYS - 1) {
					EXPECT_TRUE(shows(trio[i], way < 3, 0, 0))
						TH_LOG("way %d of %d", way, who);
				} else if (i != who) {
					EXPECT_TRUE(shows(trio[i], 0, 1, 0))
						TH_LOG("way %d of %d, seen by %d", way, who, i);
				}
			}
		}
	}
}

TEST(spec_132_destroyed_or_shrunk)
{
	struct counts seen[2][4];
	zx_handle_t vmos[4];
	int shrink, who, i;

	for (who = 0; who < 4; who++) {
		for (shrink = 0; shrink < 2; shrink++) {
			vmos[0] = filled(8, ZX_VMO_RESIZABLE);
			vmos[1] = new_child(vmos[0], RESIZABLE, PAGE, 6 * PAGE);
			ASSERT_EQ(ZX_OK, zero_pages(vmos[0], 2, 1));
			vmos[2] = new_child(vmos[1], RESIZABLE, PAGE, 9 * PAGE);
			ASSERT_EQ(ZX_OK, put_byte(vmos[1], 3 * PAGE, 1));
			vmos[3] = new_child(vmos[1], RESIZABLE, 0, 4 * PAGE);
			ASSERT_EQ(ZX_OK, put_byte(vmos[2], 8 * PAGE, 1));
			EXPECT_EQ(ZX_OK, shrink ? zx_vmo_set_size(vmos[who], 0) :
						  zx_handle_close(vmos[who]));
			for (i = 0; i < 4; i++)
				seen[shrink][i] = counts_of(vmos[i]);
		}
		EXPECT_EQ(0, seen[1][who].committed);
		for (i = 0; i < 4; i++)
			EXPECT_TRUE(i == who || same(seen[0][i], seen[1][i]))
				TH_LOG("%d seen by %d", who, i);
	}
}

TEST(spec_133_everybody_wrote)
{
	zx_handle_t vmos[4];
	int i, j;

	vmos[0] = filled(1, 0);
	for (i = 1; i < 4; i++)
		vmos[i] = snapshot_of(vmos[i - 1], 0, PAGE);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(ZX_OK, put_byte(vmos[i], 0, i));
	for (i = 0; i < 4; i++) {
		for (j = i; j < 4; j++)
			EXPECT_TRUE(shows(vmos[j], 1, 0, 0));
		zx_handle_close(vmos[i]);
	}
}

TEST(spec_134_shrunk_and_grown)
{
	zx_handle_t vmo = filled(3, 0), child = new_child(vmo, RESIZABLE, 0, 3 * PAGE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(child, 3 * PAGE));
	EXPECT_TRUE(shows(child, 0, 1, 0));
	EXPECT_TRUE(shows(vmo, 2, 1, 0));
	EXPECT_TRUE(holds(child, 0, PAGE, 3 * PAGE));
	ASSERT_EQ(ZX_OK, put_byte(child, 2 * PAGE + 5, 5));
	EXPECT_TRUE(holds(child, 0, PAGE, 2 * PAGE + 5));
	EXPECT_TRUE(holds(child, 0, 2 * PAGE + 6, 3 * PAGE));
	EXPECT_TRUE(shows(child, 1, 1, 0));
	EXPECT_TRUE(shows(vmo, 2, 1, 0));
}

TEST(spec_135_zeroed_by_all)
{
	zx_handle_t vmos[3];
	int i;

	vmos[0] = filled(2, 0);
	vmos[1] = snapshot_of(vmos[0], 0, 2 * PAGE);
	vmos[2] = snapshot_of(vmos[0], 0, 2 * PAGE);
	EXPECT_EQ(ZX_OK, zero_pages(vmos[1], 1, 1));
	EXPECT_TRUE(shows(vmos[1], 0, 0, 1));
	EXPECT_TRUE(holds(vmos[1], 0, PAGE, 2 * PAGE));
	EXPECT_TRUE(shows(vmos[0], 0, 1, 1));
	EXPECT_EQ(ZX_OK, zero_pages(vmos[0], 1, 1));
	EXPECT_TRUE(shows(vmos[2], 1, 0, 1));
	EXPECT_EQ(ZX_OK, zero_pages(vmos[2], 1, 1));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(shows(vmos[i], 0, 0, 1));
}

TEST(spec_136_zeroed_and_outlived)
{
	zx_handle_t vmo, child;
	int round;

	for (round = 0; round < 2; round++) {
		vmo = filled(1, 0);
		child = snapshot_of(vmo, 0, PAGE);
		EXPECT_EQ(ZX_OK, zero_pages(round ? vmo : child, 0, 1));
		zx_handle_close(round ? child : vmo);
		vmo = round ? vmo : child;
		EXPECT_TRUE(holds(vmo, 0, 0, PAGE));
		EXPECT_TRUE(shows(vmo, 0, 0, 0));
		ASSERT_EQ(ZX_OK, put_byte(vmo, 100, 1));
		EXPECT_TRUE(holds(vmo, 0, 0, 100));
		EXPECT_TRUE(holds(vmo, 0, 101, PAGE));
		EXPECT_TRUE(shows(vmo, 1, 0, 0));
	}
}

TEST(spec_137_snapshot_of_a_zeroed_page)
{
	zx_handle_t vmo = filled(1, 0), child = snapshot_of(vmo, 0, PAGE), next;

	EXPECT_EQ(ZX_OK, zero_pages(child, 0, 1));
	next = snapshot_of(child, 0, PAGE);
	EXPECT_TRUE(holds(next, 0, 0, PAGE));
	EXPECT_TRUE(shows(next, 0, 0, 0));
	ASSERT_EQ(ZX_OK, put_byte(next, 7, 7));
	EXPECT_TRUE(holds(next, 0, 8, PAGE));
	EXPECT_TRUE(shows(next, 1, 0, 0));
	EXPECT_TRUE(shows(child, 0, 0, 0));
	EXPECT_TRUE(shows(vmo, 1, 0, 0));
}

TEST(spec_138_zero_of_a_part)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), child;

	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_ZERO, 10, PAGE));
	EXPECT_TRUE(shows(vmo, 0, 0, 0));
	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 1));
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_ZERO, 10, PAGE));
	EXPECT_TRUE(shows(vmo, 1, 0, 0));
	child = snapshot_of(vmo, 0, 2 * PAGE);
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_ZERO, 0, 5));
	EXPECT_TRUE(shows(vmo, 1, 0, 0));
	EXPECT_TRUE(shows(child, 1, 0, 0));
	EXPECT_TRUE(holds(child, 0, 0, 5));
	EXPECT_TRUE(holds(child, 0xaa, 5, 10));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 10));
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_ZERO, PAGE, 5));
	EXPECT_TRUE(shows(child, 1, 0, 0));
}

TEST(spec_139_zero_from_middle_to_middle)
{
	zx_handle_t vmo = filled(150, 0), child = snapshot_of(vmo, 0, 150 * PAGE);

	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_ZERO, PAGE / 2, 100 * PAGE));
	EXPECT_TRUE(shows(vmo, 2, 49, 0));
	EXPECT_TRUE(shows(child, 101, 49, 0));
	zx_handle_close(child);
	EXPECT_TRUE(shows(vmo, 51, 0, 0));
	EXPECT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_ZERO, 110 * PAGE + 1, 3 * PAGE - 1));
	EXPECT_TRUE(shows(vmo, 49, 0, 0));
}

TEST(spec_140_commit_of_holes)
{
	zx_handle_t vmo = new_vmo(5 * PAGE, 0), child;

	ASSERT_EQ(ZX_OK, fill(vmo, 1, 2));
	child = snapshot_of(vmo, 0, 5 * PAGE);
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_COMMIT, 2 * PAGE, 3 * PAGE));
	EXPECT_TRUE(shows(child, 3, 2, 0));
	EXPECT_TRUE(shows(vmo, 0, 2, 0));
	EXPECT_EQ(ZX_OK, op_range(child, ZX_VMO_OP_COMMIT, 0, 5 * PAGE));
	EXPECT_TRUE(shows(child, 5, 0, 0));
	EXPECT_TRUE(shows(vmo, 2, 0, 0));
	EXPECT_TRUE(holds(child, 0, 2 * PAGE, 5 * PAGE));
}

static struct {
	zx_handle_t vmo;
	bool stop;
} race;

static void *come_and_go(void *unused __always_unused)
{
	while (!__atomic_load_n(&race.stop, __ATOMIC_RELAXED))
		zx_handle_close(snapshot_of(race.vmo, 0, 100 * PAGE));
	return NULL;
}

TEST(spec_143_queries_during_changes)
{
	pthread_t thread;
	int i, alone = 0;

	race.vmo = filled(100, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, come_and_go, NULL));
	for (i = 0; i < 1000; i++) {
		struct counts counts = counts_of(race.vmo);

		ASSERT_EQ(100 * PAGE, counts.committed);
		ASSERT_EQ(0, counts.fraction);
		/* All of it is shared, or none of it. */
		if (counts.private) {
			ASSERT_EQ(100 * PAGE, counts.private);
			ASSERT_EQ(100 * PAGE, counts.scaled);
			alone++;
		} else {
			ASSERT_EQ(50 * PAGE, counts.scaled);
		}
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(shows(race.vmo, 100, 0, 0))
		TH_LOG("alone %d times", alone);
}

TEST_HARNESS_MAIN
