/*
 * report_keep.c - counts as octets; report_keep.h.
 */
#include "mta/fetch/report_keep.h"

#include "base/json.h"

static void
put_texts(struct json *j, const char *key, const struct span *texts, size_t n)
{
	size_t	i;

	json_array(j, key);
	for (i = 0; i < n; i++)
		json_text(j, NULL, texts[i]);
	json_array_end(j);
}

static void
put_ip(struct json *j, const char *key, const struct ip *ip)
{
	char	text[IP_TEXT_MAX];

	json_str(j, key, ip->family == 0 ? NULL : ip_format(ip, text));
}

static void
put_failure(struct json *j, const struct report_failure *f)
{
	json_object(j, NULL);
	json_text(j, "result", f->result);
	json_text(j, "reason", f->reason);
	json_text(j, "host", f->host);
	json_text(j, "helo", f->helo);
	put_ip(j, "source", &f->source);
	put_ip(j, "target", &f->target);
	json_uint(j, "sessions", f->sessions);
	json_object_end(j);
}

static void
put_policy(struct json *j, const struct report_policy *p)
{
	const struct report_failure	*f;

	json_object(j, NULL);
	json_uint(j, "type", p->type);
	json_text(j, "domain", p->domain);
	put_texts(j, "strings", p->strings, p->nstrings);
	put_texts(j, "mx", p->mx, p->nmx);
	json_uint(j, "good", p->good);
	json_uint(j, "bad", p->bad);
	json_array(j, "failures");
	for (f = p->failures; f != NULL; f = f->next)
		put_failure(j, f);
	json_array_end(j);
	json_object_end(j);
}

static void
put_domain(struct json *j, const struct report_domain *o)
{
	const struct report_sending	*s = &o->sending;
	const struct report_policy	*p;

	json_object(j, NULL);
	json_text(j, "name", o->name);
	json_int(j, "due", s->due_s);
	json_int(j, "first", s->first_s);
	json_uint(j, "tries", s->tries);
	json_bool(j, "done", s->done);
	put_texts(j, "sent", s->sent, s->nsent);
	json_array(j, "policies");
	for (p = o->policies; p != NULL; p = p->next)
		put_policy(j, p);
	json_array_end(j);
	json_object_end(j);
}

void
report_keep(const struct report_day *d, struct buf *out)
{
	const struct report_domain	*o;
	struct json			 j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_uint(&j, "version", REPORT_KEPT_VERSION);
	json_int(&j, "day", d->day);
	json_int(&j, "seed", (int64_t)d->seed);
	json_uint(&j, "sessions", d->sessions);
	json_uint(&j, "left_out", d->left_out);
	json_array(&j, "domains");
	for (o = d->first; o != NULL; o = o->next)
		put_domain(&j, o);
	json_array_end(&j);
	json_object_end(&j);
	buf_add_char(out, '\n');
}
