/*
 * forward.c - a forward file of a mailbox: read, and taken for a list.
 *
 * The file is its owner's; it is asked for when the mailbox has been found,
 * and what stands in it are members of the address under way (expansion.c
 * walks them).  Where there is none, or it may not be used, the mail goes into
 * the mailbox.  So it does where the file leads back to its own address, names
 * nobody, or has an entry that cannot be used: nothing that a user writes loses
 * mail.
 */
#include "base/log.h"
#include "maps/alias_list.h"

#include "mta/policy/routing_int.h"

/* What the mailbox of this address has been told to do is being done already. */
static bool
is_forwarding(const struct routing *r)
{
	unsigned	i;

	for (i = 0; i < r->depth; i++)
		if (r->stack[i]->forward != NULL &&
		    span_ieq(r->stack[i]->at.whole, r->at.whole))
			return true;
	return false;
}

bool
forward_wanted(const struct routing *r)
{
	return r->policy->forward.read != NULL && r->kind == ROUTING_REAL &&
	    r->find.forward.n > 0 && !r->mailbox_only && !is_forwarding(r);
}

/* --- asking */

static void
answered(void *arg, enum forward_result is, bool commands, struct span text)
{
	struct routing	*r = arg;

	r->reading.is = is;
	r->reading.commands = commands;
	r->reading.text = arena_span(&r->arena, text);
	r->reading.open = false;
	if (!r->reading.in_ask)
		routing_resume(r);
}

static void
ask(struct routing *r, struct span path)
{
	const struct policy_forward	*f = &r->policy->forward;
	const struct target		*t = &r->reading.forward->own;

	r->reading.path = path;
	r->reading.open = r->reading.in_ask = true;
	r->reading.ticket = f->read(f->ctx, t->uid, t->gid, path, answered, r);
	r->reading.in_ask = false;
	r->phase = ROUTE_FORWARD;
}

void
forward_ask(struct routing *r, const struct target *own)
{
	struct forward	*f = arena_alloc(&r->arena, sizeof(*f));

	f->own = *own;
	r->reading.forward = f;
	ask(r, r->find.forward);
}

void
forward_stop(struct routing *r)
{
	if (r->reading.open)
		r->policy->forward.cancel(r->policy->forward.ctx,
		    r->reading.ticket);
	r->reading.open = false;
}

/* --- its entries */

/* What becomes of an entry that is of no use: the mailbox gets the mail. */
static void
passed_over(struct routing *r, struct forward *f, struct span entry,
    const char *why)
{
	if (!r->policy->quiet)
		log_warnx("event=forward-entry rcpt=%s entry=%s why=%s",
		    log_quote(r->at.whole), log_quote(entry),
		    log_quote(span_of(why)));
	f->bad = true;
}

void
forward_bad(struct routing *r, struct frame *f, const struct alias_member *m,
    const char *why)
{
	passed_over(r, f->forward, m->text, why);
	r->phase = ROUTE_NEXT;
}

/* `|command`, `/file`: as this user, and within what `programs` allows. */
void
forward_elsewhere(struct routing *r, struct frame *f,
    const struct alias_member *m)
{
	struct target	 t = { .kind = TARGET_FILE, .path = m->text };
	const char	*why = NULL;

	t.uid = f->forward->own.uid;
	t.gid = f->forward->own.gid;
	if (m->kind == ALIAS_COMMAND) {
		t.kind = TARGET_PIPE;
		why = programs_command(r->policy, m->text, &r->arena,
		    &t.path);
	} else if (!programs_straight(m->text))
		why = "its path is not plain and absolute";
	if (why == NULL && !f->forward->commands &&
	    !span_eq(t.path, SPAN("/dev/null")))
		why = "the user's shell is not in /etc/shells";
	if (why != NULL) {
		forward_bad(r, f, m, why);
		return;
	}
	t.path = arena_span(&r->arena, t.path);
	routing_add_elsewhere(r, &t);
	f->forward->good = true;
}

/* --- the walk */

/* The next entry of a file: a line at a time, each a list (aliases(5)). */
bool
forward_next(struct routing *r, struct frame *f, struct alias_member *m)
{
	struct alias_list	 l = { .scratch = &r->scratch };
	enum alias_list_result	 is;
	ptrdiff_t		 lf;

	for (;;) {
		l.left = f->line;
		is = alias_list_next(&l, &m->kind, &m->text);
		f->line = l.left;
		if (is != ALIAS_LIST_END) {
			m->why = l.why;
			if (is == ALIAS_LIST_BAD)
				m->kind = ALIAS_BAD;
			return true;
		}
		if (f->lines.n == 0)
			return false;
		lf = span_index(f->lines, '\n');
		f->line = span_mem(f->lines.p, lf < 0 ? f->lines.n :
		    (size_t)lf);
		f->lines = span_from(f->lines, f->line.n + 1);
		f->line = span_trim(f->line);
		if (f->line.n > 0 && f->line.p[f->line.n - 1] == '\r')
			f->line.n--;
		if (f->line.n > 0 && f->line.p[0] == '#')
			f->line = SPAN_NONE;
	}
}

/* `:include:path`: another file of this user. */
void
forward_include(struct routing *r, struct frame *f,
    const struct alias_member *m)
{
	if (!programs_straight(m->text)) {
		forward_bad(r, f, m, "its path is not plain and absolute");
		return;
	}
	r->at = f->at;
	r->reading.forward = f->forward;
	ask(r, arena_span(&r->arena, m->text));
}

/* All entries have been routed; true: the mailbox gets it too. */
void
forward_end(struct routing *r, struct frame *f)
{
	struct forward	*fw = f->forward;

	fw->looped |= f->looped;
	fw->good |= f->n > 0;
	if (--fw->frames > 0 || fw->self)
		return;
	if (!fw->bad && !fw->looped && fw->good)
		return;
	r->at = f->at;
	routing_add(r, &fw->own);
}

/* What was said of the file that is being asked for. */
bool
forward_said(struct routing *r)
{
	struct forward	*fw = r->reading.forward;
	struct frame	*f;

	if (r->reading.open)
		return false;
	r->phase = ROUTE_NEXT;
	if (r->reading.is == FORWARD_FOUND &&
	    (f = routing_push(r)) != NULL) {
		fw->frames++;
		fw->commands = r->reading.commands;
		f->forward = fw;
		f->map = FRAME_FORWARD;
		f->lines = r->reading.text;
		f->line = SPAN_NONE;
	} else if (r->reading.is == FORWARD_LATER)
		routing_cannot(r, SPAN("the forward file cannot be read now"));
	else if (fw->frames > 0)
		passed_over(r, fw, r->reading.path, "it cannot be used");
	else
		routing_add(r, &fw->own);
	return true;
}
