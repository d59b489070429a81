/*
 * servers.c - the lookup process as a child of the command.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/process.h"
#include "mta/cmd/servers.h"

#define PATIENCE_MS	45000	/* more than a question may take */
#define TURN_MS		20

struct waiting;

struct servers {
	struct process		 lookup, resolve;
	struct lookup_client	*client;
	int64_t			 until_ms;
	struct waiting		*waiting;
	struct timer		 timer;
};

/* --- asking: the loop runs until there is an answer */

struct waiting {
	lookup_client_cb	*cb;
	void			*arg;
	bool			 done;
};

static void
answered(void *arg, enum map_result is, const struct map_answer *a)
{
	struct waiting	*w = arg;

	w->done = true;
	w->cb(w->arg, is, a);
	loop_stop();
}

static void
turn(void *arg)
{
	struct servers	*s = arg;

	if (s->waiting->done || s->lookup.chan == NULL ||
	    loop_now_ms() > s->until_ms)
		loop_stop();
	else
		timer_set(&s->timer, TURN_MS, turn, s);
}

static uint64_t
ask(void *ctx, uint32_t generation, uint32_t map,
    const struct map_question *q, lookup_client_cb *cb, void *arg)
{
	struct servers	*s = ctx;
	struct waiting	 w = { cb, arg, false };
	uint64_t	 ticket;

	ticket = lookup_client_ask(s->client, generation, map, q, answered,
	    &w);
	s->waiting = &w;
	s->until_ms = loop_now_ms() + PATIENCE_MS;
	timer_set(&s->timer, 0, turn, s);
	loop_run();
	s->waiting = NULL;
	if (!w.done) {
		lookup_client_cancel(s->client, ticket);
		cb(arg, MAP_LATER, NULL);
	}
	return 0;
}

/* All is answered when ask() returns. */
static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;
	(void)ticket;
}

/* --- */

static bool
is_wanted(const struct rs_image *im, const char *map)
{
	uint32_t	i;

	for (i = 0; i < rs_nmap(im); i++)
		if ((map == NULL || span_eq(span_of(map),
		    rs_string(im, rs_map(im, i)->name))) &&
		    (rs_map_is_asked(im, i) ||
		    (map != NULL && rs_map_made(im, i) != RS_MADE_NOT)))
			return true;
	return false;
}

static void
send_config(struct servers *s, const struct policy_source *src,
    const struct rs_image *im)
{
	uint32_t	i;

	process_send_image(&s->lookup, src->image_mem);
	for (i = 0; i < rs_nmap(im); i++)
		if (rs_map_is_asked(im, i))
			process_send_secret(&s->lookup, im, i);
	process_send_done(&s->lookup);
	process_send_image(&s->resolve, src->image_mem);
	process_send_done(&s->resolve);
}

static struct servers *
start(const struct policy_source *src, const struct rs_image *im,
    const char *level)
{
	struct servers	*s = xcalloc(1, sizeof(*s));
	const char	*libexec = cmd_libexec(NULL);

	(void)signal(SIGPIPE, SIG_IGN);
	log_open("waybill", STDERR_FILENO, LOG_L_WARN);
	loop_init();
	s->resolve.level = s->lookup.level = level;
	process_start(&s->resolve, libexec, "resolve");
	process_start(&s->lookup, libexec, "lookup");
	send_config(s, src, im);
	process_join(&s->lookup, PROC_LOOKUP, &s->resolve, PROC_RESOLVE);
	s->client = lookup_client_new();
	lookup_client_attach(s->client, process_peer(&s->lookup, PROC_SMTP));
	return s;
}

struct servers *
servers_start(struct policy_source *src, const char *map, const char *level)
{
	struct servers	*s = NULL;
	struct rs_image	*im;
	const char	*why;

	im = rs_image_open_mem(src->image_mem.p, src->image_mem.n, &why);
	if (im != NULL && is_wanted(im, map)) {
		s = start(src, im, level);
		src->lookup = (struct policy_lookup){ ask, cancel, s };
		src->generation = PROCESS_GENERATION;
	}
	rs_image_free(&im);
	return s;
}

void
servers_stop(struct servers **sp)
{
	struct servers	*s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	timer_clear(&s->timer);
	lookup_client_free(&s->client);
	process_stop(&s->lookup);
	process_stop(&s->resolve);
	free(s);
}
