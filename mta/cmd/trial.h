/*
 * trial.h - one test of a policy, from an empty state to its last expectation.
 */
#ifndef WB_MTA_CMD_TRIAL_H
#define WB_MTA_CMD_TRIAL_H

#include "base/json.h"
#include "cf/cf.h"

#include "mta/cmd/cmd.h"

/* A policy whose tests are run. */
struct test_run {
	const struct cf	*cf;
	const char	*file;
	struct cmd_list	 names;		/* only tests with these in their names */
	struct buf	 text;		/* for people */
	struct buf	 json_out;
	struct json	 j;
	bool		 verbose;
	int64_t		 started_ms;
	size_t		 passed, failed;
	bool		*reached;	/* by rule */
};

/* Runs it, counts it, tells of its failures. */
void	trial(struct test_run *, const struct cf_test *);

#endif
