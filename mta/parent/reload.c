/*
 * reload.c - a new generation: asked for, or because a table has changed.
 *
 * Whole or not at all: it is compiled, verified, its tables are read and its
 * addresses bound before anybody hears of it.  The policy's text is read only
 * when somebody asks for it; a table that changes gets a new generation with
 * the old image, unless it includes a file that the image does not name.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/parent/certs.h"
#include "mta/parent/parent.h"
#include "mta/parent/tables.h"

#define POLL_MS		500
#define STEADY_MS	2000	/* a file that nobody has written to is whole */
#define RETRY_MS	5000	/* tables that were given up; doubles */
#define RETRIES		7	/* doublings: ten minutes */
#define SETTLE_MS	10000	/* until everybody has taken a generation */

static void on_poll(void *);
static void on_retry(void *);

static void
answer_all(struct parent *p, bool ok, struct span text)
{
	struct chan	*c = queue_chan(p);
	size_t		 i;

	for (i = 0; c != NULL && i < p->ntickets; i++) {
		chan_begin(c, MSG_RELOADED);
		chan_u64(c, p->tickets[i]);
		chan_u8(c, ok);
		chan_bytes(c, text);
		chan_end(c);
	}
	p->ntickets = 0;
}

/* A new queue has tickets of its own; the reload goes on. */
void
reload_queue_gone(struct parent *p)
{
	p->ntickets = 0;
}

static void
failed(struct parent *p, struct span text)
{
	log_warnx("event=reload-failed policy=%s why=%s",
	    rs_image_hash(generation_image(p->generation)), log_quote(text));
	answer_all(p, false, text);
}

/* --- taking it */

static bool
all_ready(const struct parent *p, bool smtp_too)
{
	size_t	i;

	for (i = 0; i < p->nslots; i++)
		if ((smtp_too || p->slots[i].proc != PROC_SMTP) &&
		    slot_wanted(&p->slots[i]) && p->slots[i].ready != generation_number(p->generation))
			return false;
	return true;
}

static void
on_settle(void *arg)
{
	struct parent	*p = arg;
	struct buf	 text = { 0 };
	size_t		 i;

	buf_add_str(&text, "not taken by:");
	for (i = 0; i < p->nslots; i++)
		if (slot_wanted(&p->slots[i]) &&
		    p->slots[i].ready != generation_number(p->generation))
			buf_addf(&text, " %s", p->slots[i].name);
	if (p->settling)
		failed(p, buf_span(&text));
	else
		log_warnx("event=slow-start why=%s",
		    log_quote(buf_span(&text)));
	p->settling = false;
	buf_clear(&text);
}

void
reload_ready(struct parent *p)
{
	const char	*hash = rs_image_hash(generation_image(p->generation));

	if (p->stage != STAGE_RUN)
		return;
	if (!p->smtp_started && all_ready(p, false)) {
		p->smtp_started = true;
		slots_start_rest(p);
	}
	if (!all_ready(p, true) || p->compile != NULL || p->reading != NULL)
		return;
	if (!p->up)
		log_info("event=ready policy=%s file=%s workers=%u", hash,
		    log_quote(span_of(p->policy)), p->listeners.workers);
	else if (p->settling)
		log_info("event=reloaded policy=%s generation=%u", hash,
		    generation_number(p->generation));
	p->up = true;
	p->settling = false;
	timer_stop(&p->settle);
	answer_all(p, true, span_of(hash));
}

/* g becomes what everybody is told; it is ours now. */
static void
take(struct parent *p, struct generation *g)
{
	char	*why;

	if (listeners_set(&p->listeners, generation_image(g), &why) == -1) {
		failed(p, span_of(why));
		free(why);
		generation_free(&g);
		return;
	}
	generation_free(&p->generation);
	p->generation = g;
	p->last_number = generation_number(g);
	p->settling = true;
	timer_set(&p->settle, SETTLE_MS, on_settle, p);
	slots_configure(p);
}

/* Tables that nobody could read, though their files may be good. */
static void
retry_later(struct parent *p, const struct generation *g)
{
	if (!tables_need_again(g) && !certs_need_again(g)) {
		timer_stop(&p->retry);
		p->retries = 0;
		return;
	}
	timer_set(&p->retry, (int64_t)RETRY_MS << p->retries, on_retry, p);
	if (p->retries < RETRIES)
		p->retries++;
}

static void
compiled_is_read(struct parent *p, struct generation *g)
{
	char	*why;

	retry_later(p, g);
	if (certs_good(g, false, &why)) {
		take(p, g);
		return;
	}
	failed(p, span_of(why));
	free(why);
	generation_free(&g);
}

/* The image is the old one: when no table is new either nothing changes. */
static void
changed_is_read(struct parent *p, struct generation *g)
{
	bool	compile = tables_need_image(g) && !p->changed_text;

	retry_later(p, g);
	if (tables_have_new(g) || certs_have_new(g) ||
	    generation_other_authorities(g, p->generation))
		take(p, g);
	else {
		tables_take_faults(p->generation, g);
		certs_take_faults(p->generation, g);
		generation_free(&g);
	}
	if (compile)
		reload_asked(p);
}

/* Its tables are read first; it is ours now. */
static void
read_or_fail(struct parent *p, struct generation *g, char *why,
    reading_done *done)
{
	if (g != NULL) {
		reading_drop(p);	/* of what is older */
		tables_inherit(g, p->generation);
		certs_inherit(g, p->generation);
		reading_start(p, g, done);
	} else
		failed(p, span_of(why));
	free(why);
}

static void
on_compiled(void *arg, bool ok, struct span image, struct span text)
{
	struct parent		*p = arg;
	struct generation	*g;
	char			*why = NULL;

	p->compile = NULL;
	if (p->stage != STAGE_RUN)
		return;
	if (!ok) {
		failed(p, text);
		return;
	}
	g = generation_new(p->last_number + 1, image, &why);
	if (g != NULL && (why = generation_srs_mistake(g)) != NULL)
		generation_free(&g);
	read_or_fail(p, g, why, compiled_is_read);
}

/* --- asking for it */

void
reload_asked(struct parent *p)
{
	p->wanted = !p->started;
	if (p->compile != NULL || p->wanted || p->stage != STAGE_RUN)
		return;
	p->tried = generation_look(p->generation);
	p->compile = compile_start(p->compile_command, p->policy, on_compiled,
	    p);
}

void
reload_ticket(struct parent *p, uint64_t ticket)
{
	if (p->ntickets == TICKETS_MAX)
		return;		/* the client is told to ask again */
	p->tickets[p->ntickets++] = ticket;
	reload_asked(p);
}

static void
read_tables(struct parent *p)
{
	struct generation	*g;
	char			*why = NULL;

	p->tried = generation_look(p->generation);
	p->changed_text = (generation_changed(p->generation) &
	    CHANGED_TEXT) != 0;
	g = generation_again(p->generation, p->last_number + 1, &why);
	read_or_fail(p, g, why, changed_is_read);
}

static bool
is_busy(const struct parent *p)
{
	return p->compile != NULL || p->reading != NULL || p->settling ||
	    p->stage != STAGE_RUN;
}

static void
on_retry(void *arg)
{
	struct parent	*p = arg;

	if (is_busy(p))
		timer_set(&p->retry, RETRY_MS, on_retry, p);
	else
		read_tables(p);
}

/*
 * A table may be in the middle of being written: it is taken when it has been
 * the same for a while, or at once when it was renamed into its place.
 */
static void
table_changed(struct parent *p, unsigned what)
{
	uint64_t	now = generation_look(p->generation);

	if (now != p->seen) {
		p->seen = now;
		p->seen_ms = loop_now_ms();
	}
	if (now == p->tried || (loop_now_ms() - p->seen_ms < STEADY_MS &&
	    !generation_renamed(p->generation)))
		return;
	log_info("event=%s-changed text-changed=%s",
	    what & CHANGED_TABLE ? "table" : "certificate",
	    what & CHANGED_TEXT ? "yes" : "no");
	read_tables(p);
}

/* One that is being written is left until two looks are the same. */
static void
look_at_secrets(struct parent *p)
{
	uint64_t	now = credentials_look(p->generation);
	bool		steady = now == p->secrets_seen;

	p->secrets_seen = now;
	if (now == p->secrets || !steady)
		return;
	p->secrets = now;
	log_info("event=secrets-changed");
	slots_tell_secrets(p);
}

static void
on_poll(void *arg)
{
	struct parent	*p = arg;
	unsigned	 what;

	timer_set(&p->poll, POLL_MS, on_poll, p);
	if (is_busy(p))
		return;
	certs_remind(p->generation);
	look_at_secrets(p);
	what = generation_changed(p->generation);
	if (what & (CHANGED_TABLE | CHANGED_CERT))
		table_changed(p, what);
}

/* Better no server than one that shows nothing, or another's certificate. */
static bool
may_start(struct parent *p, const struct generation *g)
{
	char	*why;

	if (certs_good(g, true, &why))
		return true;
	log_warnx("event=no-certificate why=%s", log_quote(span_of(why)));
	free(why);
	stop_failed(p);
	return false;
}

static void
first_is_read(struct parent *p, struct generation *g)
{
	if (!may_start(p, g))
		return;
	retry_later(p, g);
	timer_set(&p->poll, POLL_MS, on_poll, p);
	timer_set(&p->settle, SETTLE_MS, on_settle, p);
	p->started = true;
	p->secrets = p->secrets_seen = credentials_look(p->generation);
	slots_start(p);
	if (p->wanted)
		reload_asked(p);
}

void
reload_init(struct parent *p)
{
	tables_inherit(p->generation, NULL);
	reading_start(p, p->generation, first_is_read);
}
