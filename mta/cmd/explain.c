/*
 * explain.c - what was decided, and why: as text and as JSON.
 */
#include "config.h"

#include <stdio.h>

#include "base/json.h"
#include "mta/msg/hop.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/explain.h"

/* --- for people */

void
explain_target(const struct target *t, struct buf *out)
{
	struct hop_text	hop;

	buf_addf(out, "%.*s: ", SPAN_ARG(t->address));
	switch (t->kind) {
	case TARGET_DELIVER:
		buf_addf(out, "deliver %.*s \"%.*s\" into %.*s",
		    SPAN_ARG(t->mailbox), SPAN_ARG(t->account),
		    SPAN_ARG(t->path));
		if (t->forward.n > 0)
			buf_addf(out, ", unless \"%.*s\" says otherwise",
			    SPAN_ARG(t->forward));
		if (t->owned)
			buf_addf(out, " from <%.*s>", SPAN_ARG(t->mail_from));
		break;
	case TARGET_HOP:
		if (hop_is(t->hop, HOP_TO_LMTP) && hop_parse(t->hop, &hop))
			buf_addf(out, "lmtp \"%.*s\"", SPAN_ARG(hop.where));
		else
			buf_addf(out, "send to %.*s", SPAN_ARG(t->hop));
		if (t->mail_from.n > 0)
			buf_addf(out, " from <%.*s>", SPAN_ARG(t->mail_from));
		if (t->rcpt_to.n > 0)
			buf_addf(out, " for <%.*s>", SPAN_ARG(t->rcpt_to));
		break;
	case TARGET_DISCARD:
		buf_add_str(out, "discard");
		break;
	case TARGET_PIPE:
		buf_addf(out, "pipe \"%.*s\"", SPAN_ARG(t->path));
		if (t->account.n > 0)
			buf_addf(out, " as %.*s", SPAN_ARG(t->account));
		break;
	case TARGET_FILE:
		buf_addf(out, "file \"%.*s\"", SPAN_ARG(t->path));
		break;
	default:
		buf_addf(out, "%s %u %.*s \"%.*s\"",
		    t->kind == TARGET_LATER ? "defer" : "fail", t->code,
		    SPAN_ARG(t->status), SPAN_ARG(t->text));
		break;
	}
}

/* Which line of an included file has it. */
static void
member(const struct routing *r, size_t target, struct buf *out)
{
	uint32_t	 line;
	const char	*file = routing_member(r, target, &line);

	if (file != NULL)
		buf_addf(out, " (%s:%u)", file, line);
}

/* The targets are those behind them. */
static void
filters(const struct routing *r, const struct rs_image *im, struct buf *out)
{
	uint32_t	i;

	for (i = 0; i < rs_nobject(im); i++)
		if (routing_goes_through(r, i))
			buf_addf(out, "   after filter %.*s\n",
			    SPAN_ARG(rs_string(im, rs_object(im, i)->name)));
}

static void
indented(struct buf *out, struct span text)
{
	ptrdiff_t	eol;
	struct span	line;

	while (text.n > 0) {
		eol = span_index(text, '\n');
		line = span_mem(text.p, eol < 0 ? text.n : (size_t)eol);
		buf_addf(out, "   %.*s\n", SPAN_ARG(line));
		text = span_from(text, line.n + 1);
	}
}

static void
record_text(const struct rs_record *r, const struct rs_image *im,
    const char *policy, struct buf *out)
{
	struct buf	text = { 0 };

	rs_record_text(r, im, policy, &text);
	indented(out, buf_span(&text));
	buf_clear(&text);
}

void
explain_played(const struct played *p, const struct rs_image *im,
    const char *policy, struct buf *out)
{
	const struct target	*t;
	size_t			 i, n;

	buf_addf(out, "%.*s\n", SPAN_ARG(p->command));
	if (p->milter.n > 0)
		buf_addf(out, "   milter %.*s\n", SPAN_ARG(p->milter));
	if (p->record.n > 0)
		record_text(&p->record, im, policy, out);
	if (p->routing != NULL) {
		record_text(&p->route_record, im, policy, out);
		t = routing_targets(p->routing, &n);
		for (i = 0; i < n; i++) {
			buf_add_str(out, "   -> ");
			explain_target(&t[i], out);
			member(p->routing, i, out);
			buf_add_char(out, '\n');
		}
		filters(p->routing, im, out);
	}
	if (p->rewrites && !played_refused(p)) {
		buf_addf(out, "   -> %.*s\n", SPAN_ARG(p->rewritten.n > 0 ?
		    p->rewritten : SPAN("stays as it is")));
		return;
	}
	buf_addf(out, "   %u %.*s %.*s\n", p->code, SPAN_ARG(p->status),
	    SPAN_ARG(p->text));
}

void
explain_say(const struct play *pl, const char *policy)
{
	const struct rs_image	*im = policy_image(pl->policy);
	struct buf		 out = { 0 };
	size_t			 i;

	for (i = 0; i < pl->n; i++)
		explain_played(&pl->v[i], im, policy, &out);
	cmd_write(&out);
}

/* --- for programs */

static void
explain_target_json(struct json *j, const struct routing *r, size_t i)
{
	static const char *const kinds[] = {
		"?", "deliver", "hop", "discard", "fail", "later", "?",
		"pipe", "file"
	};
	size_t			 n;
	const struct target	*t = &routing_targets(r, &n)[i];
	uint32_t		 line;
	const char		*file = routing_member(r, i, &line);

	json_object(j, NULL);
	json_str(j, "kind", kinds[t->kind <= TARGET_FILE ? t->kind : 0]);
	json_text(j, "address", t->address);
	if (t->kind == TARGET_HOP)
		json_text(j, "hop", t->hop);
	if (t->mail_from.n > 0)
		json_text(j, "mail_from", t->mail_from);
	if (file != NULL) {
		json_str(j, "member_file", file);
		json_uint(j, "member_line", line);
	}
	if (t->rcpt_to.n > 0)
		json_text(j, "rcpt_to", t->rcpt_to);
	if (t->kind == TARGET_DELIVER)
		json_text(j, "mailbox", t->mailbox);
	if (t->kind == TARGET_DELIVER || t->kind == TARGET_PIPE)
		json_text(j, "account", t->account);
	if (t->path.n > 0)
		json_text(j, "path", t->path);
	if (t->forward.n > 0)
		json_text(j, "forward", t->forward);
	if (t->kind == TARGET_FAIL || t->kind == TARGET_LATER) {
		json_uint(j, "code", t->code);
		json_text(j, "status", t->status);
		json_text(j, "text", t->text);
	}
	json_object_end(j);
}

static void
record_json(struct json *j, const char *key, const struct rs_record *r,
    const struct rs_image *im)
{
	struct buf	one = { 0 };

	rs_record_json(r, im, &one);
	json_raw(j, key, buf_span(&one));
	buf_clear(&one);
}

void
explain_played_json(struct json *j, const struct played *p,
    const struct rs_image *im)
{
	size_t	i, n;

	json_object(j, NULL);
	json_text(j, "command", p->command);
	json_str(j, "hook", rs_hook_names[p->hook]);
	if (p->milter.n > 0)
		json_text(j, "milter", p->milter);
	if (p->rewritten.n > 0)
		json_text(j, "rewritten", p->rewritten);
	json_str(j, "verdict", rs_verdict_name(p->verdict.kind));
	json_bool(j, "by_route", p->by_route);
	json_uint(j, "line", p->line);
	json_uint(j, "code", p->code);
	json_text(j, "status", p->status);
	json_text(j, "text", p->text);
	record_json(j, "record", &p->record, im);
	if (p->routing != NULL) {
		record_json(j, "route_record", &p->route_record, im);
		json_array(j, "targets");
		(void)routing_targets(p->routing, &n);
		for (i = 0; i < n; i++)
			explain_target_json(j, p->routing, i);
		json_array_end(j);
	}
	json_object_end(j);
}

void
explain_say_json(const struct play *pl, const char *policy)
{
	const struct rs_image	*im = policy_image(pl->policy);
	struct buf		 out = { 0 };
	struct json		 j;
	size_t			 i;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_str(&j, "file", policy);
	json_str(&j, "policy", rs_image_hash(im));
	json_array(&j, "steps");
	for (i = 0; i < pl->n; i++)
		explain_played_json(&j, &pl->v[i], im);
	json_array_end(&j);
	json_object_end(&j);
	buf_add_char(&out, '\n');
	cmd_write(&out);
}
