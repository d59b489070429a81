/*
 * commits.c - the second step of Maildirs, for many messages at once.
 */
#include "config.h"

#include <stdlib.h>

#include "base/loop.h"
#include "base/xalloc.h"

#include "mailbox/store/store.h"

#include "mta/deliver/commits.h"
#include "mta/deliver/mailboxes.h"

/* The COMMITs of one Maildir: those that a thread has, and those that wait. */
struct group {
	struct group		*next;
	char			*path;
	struct job		*waiting, **end;
	size_t			 nwaiting;
	struct job		*jobs;		/* the thread's, in the order of commits */
	struct store_commit	*commits;
	size_t			 n;
};

static struct group	*groups;

static struct group *
group_get(const char *path, bool *is_new)
{
	struct group	*g;

	for (g = groups; g != NULL; g = g->next)
		if (strcmp(g->path, path) == 0)
			break;
	*is_new = g == NULL;
	if (g != NULL)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->path = xstrdup(path);
	g->end = &g->waiting;
	g->next = groups;
	groups = g;
	return g;
}

static void
group_free(struct group *g)
{
	struct group	**at = &groups;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	free(g->path);
	free(g);
}

static void
work(void *arg)
{
	struct group	*g = arg;

	store_commit_all(g->path, g->commits, g->n);
}

static void	run(void *);

/* Answers what the thread had; what has come meanwhile is next. */
static void
done(void *arg)
{
	struct group	*g = arg;
	struct job	*j, *next;
	size_t		 i = 0;

	for (j = g->jobs; j != NULL; j = next, i++) {
		next = j->next;
		mailboxes_failed(j, g->commits[i].result,
		    &g->commits[i].error);
		job_done(j);
	}
	free(g->commits);
	if (g->waiting != NULL)
		run(g);
	else
		group_free(g);
}

static void
run(void *arg)
{
	struct group	*g = arg;
	struct job	*j;
	size_t		 i = 0;

	g->commits = xcalloc(g->nwaiting, sizeof(*g->commits));
	for (j = g->waiting; j != NULL; j = j->next, i++) {
		g->commits[i].final = j->name;
		g->commits[i].error.status = "4.3.0";
	}
	g->jobs = g->waiting;
	g->n = g->nwaiting;
	g->waiting = NULL;
	g->end = &g->waiting;
	g->nwaiting = 0;
	jobs_run(work, done, g);
}

void
commits_add(struct job *j)
{
	bool		 is_new;
	struct group	*g = group_get(j->path, &is_new);

	j->next = NULL;
	*g->end = j;
	g->end = &j->next;
	g->nwaiting++;
	if (is_new)
		loop_soon(run, g);
}
