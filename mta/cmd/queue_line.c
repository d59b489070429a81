/*
 * queue_line.c - a request to the server's queue (mta/queue/request.h), made of
 * options.
 */
#include "config.h"

#include "mta/cmd/queue_int.h"

/* Octets that would end a word are %XX. */
static void
put(struct buf *out, const char *key, const char *value)
{
	const unsigned char	*p = (const unsigned char *)value;

	if (value == NULL)
		return;
	buf_addf(out, " %s=", key);
	for (; *p != '\0'; p++)
		if (*p > 0x20 && *p < 0x7f && *p != '%')
			buf_add_char(out, (char)*p);
		else
			buf_addf(out, "%%%02X", *p);
}

static const char *
state_of(const struct queue_options *o)
{
	return o->quarantined ? "quarantined" : o->state;
}

void
queue_line(struct buf *out, const char *word, const struct queue_options *o)
{
	const struct {
		const char	*key, *value;
	} words[] = {
		{ "id", o->id }, { "sender", o->sender },
		{ "recipient", o->recipient }, { "domain", o->domain },
		{ "hop", o->hop }, { "older", o->older },
		{ "newer", o->newer }, { "code", o->code },
		{ "status", o->status }, { "text", o->text },
		{ "tag", o->tag }, { "state", state_of(o) },
		{ "reason", o->reason }, { "priority", o->priority },
		{ "limit", o->limit }, { "after", o->after },
		{ "why", o->why }, { "by", o->by }, { "to", o->to },
		{ "all", o->all ? "yes" : NULL },
		{ "dry", o->dry ? "yes" : NULL },
		{ "part", o->header ? "header" : NULL },
	};
	size_t	i;

	buf_add_str(out, word);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put(out, words[i].key, words[i].value);
	buf_add_char(out, '\n');
}
