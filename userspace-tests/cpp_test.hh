/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests in C++ need to say ok and not ok: the selftest harness is C.
 * TEST(name) { ... } registers a case, RUN_TESTS makes main().
 */
#ifndef CPP_TEST_HH
#define CPP_TEST_HH

#include <stdio.h>

#include <vector>

namespace cpp_test {

struct Case {
	const char *name;
	void (*run)();
};

inline std::vector<Case> &cases()
{
	static std::vector<Case> all;
	return all;
}

/* Whether the case that runs has failed. */
inline bool failed;

struct Registration {
	Registration(const char *name, void (*run)()) { cases().push_back({ name, run }); }
};

inline bool expect(bool good, const char *what, const char *file, int line)
{
	if (!good) {
		printf("# %s:%d: not so: %s\n", file, line, what);
		failed = true;
	}
	return good;
}

inline bool expect_equal(long long a, long long b, const char *what, const char *file, int line)
{
	if (a != b)
		printf("# %s:%d: %lld and %lld\n", file, line, a, b);
	return expect(a == b, what, file, line);
}

inline int run()
{
	int number = 0, failures = 0;

	printf("TAP version 13\n1..%zu\n", cases().size());
	for (const Case &one : cases()) {
		failed = false;
		one.run();
		printf("%s %d %s\n", failed ? "not ok" : "ok", ++number, one.name);
		fflush(stdout);
		failures += failed;
	}
	return failures != 0;
}

} /* namespace cpp_test */

#define TEST(name)                                                             \
	static void test_##name();                                             \
	static const cpp_test::Registration register_##name(#name, test_##name); \
	static void test_##name()

#define EXPECT(x) cpp_test::expect(x, #x, __FILE__, __LINE__)
#define EXPECT_EQ(a, b)                                                        \
	cpp_test::expect_equal(static_cast<long long>(a), static_cast<long long>(b), \
			       #a " == " #b, __FILE__, __LINE__)
/* Leaves the case if it is not so. */
#define ASSERT_OK(x)                                                           \
	do {                                                                   \
		if (!cpp_test::expect_equal(x, ZX_OK, #x " == ZX_OK", __FILE__, __LINE__)) \
			return;                                                \
	} while (0)

#define RUN_TESTS                                                              \
	int main()                                                             \
	{                                                                      \
		return cpp_test::run();                                        \
	}

#endif /* CPP_TEST_HH */
