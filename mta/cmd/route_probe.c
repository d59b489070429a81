/*
 * route_probe.c - `waybill route --probe`: what the running server finds at a hop.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/queue_int.h"
#include "mta/cmd/route.h"
#include "mta/cmd/table.h"

static void
words(struct buf *out, const char *what, const json_t *list)
{
	const json_t	*w;
	size_t		 i;

	if (json_array_size(list) == 0)
		return;
	buf_addf(out, "      %s:", what);
	json_array_foreach(list, i, w)
		buf_addf(out, " %s", table_clean(json_string_value(w)));
	buf_add_char(out, '\n');
}

static void
say_tls(struct buf *out, const json_t *t)
{
	buf_addf(out, "      TLS: wanted %s (by %s), reached %s",
	    table_text(t, "wanted"), table_text(t, "by"),
	    table_text(t, "reached"));
	if (json_object_get(t, "version") != NULL)
		buf_addf(out, ", %s %s", table_text(t, "version"),
		    table_text(t, "cipher"));
	buf_add_char(out, '\n');
	if (json_object_get(t, "unverified") != NULL)
		buf_addf(out, "      certificate: not verified: %s\n",
		    table_text(t, "unverified"));
	if (json_object_get(t, "why") != NULL)
		buf_addf(out, "      TLS: %s\n", table_text(t, "why"));
}

static void
say_login(struct buf *out, const json_t *l)
{
	words(out, "mechanisms offered", json_object_get(l, "offered"));
	words(out, "mechanisms tried", json_object_get(l, "tried"));
	words(out, "mechanisms refused", json_object_get(l, "refused"));
	if (!json_is_true(json_object_get(l, "wanted")))
		buf_add_str(out, "      login: none is wanted\n");
	else if (json_is_true(json_object_get(l, "accepted")))
		buf_addf(out, "      login: accepted: %s\n",
		    table_text(l, "told"));
	else if (json_object_get(l, "told") != NULL)
		buf_addf(out, "      login: not accepted: %s\n",
		    table_text(l, "told"));
}

static void
say_failure(struct buf *out, const char *before, const json_t *o)
{
	buf_addf(out, "%s%lld %s %s\n", before,
	    (long long)cmd_json_int(o, "code"), table_text(o, "status"),
	    table_text(o, "text"));
}

static void
say_host(struct buf *out, const json_t *h)
{
	buf_addf(out, "   %s", table_text(h, "host"));
	if (json_object_get(h, "address") != NULL)
		buf_addf(out, "[%s]:%lld", table_text(h, "address"),
		    (long long)cmd_json_int(h, "port"));
	if (json_is_true(json_object_get(h, "rests")))
		buf_add_str(out, ", has failed and rests");
	if (json_is_true(json_object_get(h, "clear")))
		buf_add_str(out, ", once more without TLS");
	if (json_is_true(json_object_get(h, "left_out")))
		buf_add_str(out, ", where no message would come to");
	buf_add_char(out, '\n');
	if (json_object_get(h, "tls") != NULL) {
		if (cmd_json_str(h, "greeting")[0] != '\0')
			buf_addf(out, "      greets as %s\n",
			    table_text(h, "greeting"));
		say_tls(out, json_object_get(h, "tls"));
		words(out, "extensions", json_object_get(h, "extensions"));
		say_login(out, json_object_get(h, "login"));
	}
	if (json_is_true(json_object_get(h, "serves")))
		buf_add_str(out, "      serves\n");
	else
		say_failure(out, "      does not serve: ", h);
}

static void
say_all(struct buf *out, const json_t *doc, struct span hop)
{
	const json_t	*h;
	size_t		 i;

	buf_addf(out, "probe of %.*s\n", SPAN_ARG(hop));
	json_array_foreach(json_object_get(doc, "hosts"), i, h)
		say_host(out, h);
	if (json_is_true(json_object_get(doc, "goes")))
		buf_add_str(out, "   A message would go.\n");
	else
		say_failure(out, "   A message would not go now: ", doc);
}

static json_t *
ask(const struct route_probe *p, struct span hop)
{
	char			*text = xstrndup(hop.p, hop.n);
	char			*from = xasprintf("<%s>", p->from);
	char			*to = xasprintf("<%s>", p->to);
	struct queue_options	 o = { .sender = from, .recipient = to,
	    .hop = text, .all = p->every };
	struct buf		 line = { 0 };
	json_t			*doc;

	queue_line(&line, "probe", &o);
	buf_add_char(&line, '\0');
	doc = cmd_control(p->spool, line.base);
	buf_clear(&line);
	free(text);
	free(from);
	free(to);
	return doc;
}

int
route_probe(struct route_probe *p, struct span hop)
{
	json_t	*doc = ask(p, hop);

	if (doc == NULL) {
		fprintf(stderr, "waybill route: nothing was probed: only the "
		    "running server has the secrets and the rights\n");
		return EX_UNAVAILABLE;
	}
	p->asked = !cmd_json_error("route", doc);
	if (p->asked) {
		p->goes = json_is_true(json_object_get(doc, "goes"));
		p->json = json_dumps(doc, JSON_PRESERVE_ORDER);
		say_all(&p->said, doc, hop);
	}
	json_decref(doc);
	return p->goes ? CMD_OK : CMD_NO;
}

void
route_probe_clear(struct route_probe *p)
{
	buf_clear(&p->said);
	free(p->json);
	p->json = NULL;
	p->asked = p->goes = false;
}
