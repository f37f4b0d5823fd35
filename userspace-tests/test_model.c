// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of all calls beside a reference model: the program of
 * model/, which lies where this one does, for ZXVMO_MODEL_SECONDS.
 */
#include "linux_test.h"

FIXTURE(model)
{
};

FIXTURE_SETUP(model)
{
}

FIXTURE_TEARDOWN(model)
{
}

TEST_F_TIMEOUT(model, follows_all_calls, 3600)
{
	char path[4096], *slash;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 8);
	int status;
	pid_t pid;

	ASSERT_GT(len, 0);
	path[len] = '\0';
	slash = strrchr(path, '/');
	snprintf(slash, sizeof("/model"), "/model");
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, path, NULL);
		_exit(127);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

TEST_HARNESS_MAIN
