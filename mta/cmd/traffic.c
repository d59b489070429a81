/*
 * traffic.c - sessions that have been, read from a log.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/xalloc.h"

#include "mta/cmd/traffic.h"

#define LIST_MAX	10000	/* recipients or fields of one session */

bool
traffic_time(const char *text, int64_t *ms)
{
	struct tm	tm = { .tm_isdst = 0 };
	const char	*end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end != NULL && *end == '.')		/* of a second */
		end += 1 + strspn(end + 1, "0123456789");
	if (end == NULL || strcmp(end, "Z") != 0)
		return false;
	*ms = (int64_t)timegm(&tm) * 1000;
	return *ms > 0;
}

/* --- one session */

static struct span
text_of(const json_t *o, const char *key)
{
	const json_t	*v = json_object_get(o, key);

	return v == NULL ? SPAN_NONE :
	    span_mem(json_string_value(v), json_string_length(v));
}

/* Each is a text, where it is there. */
static bool
texts_ok(const json_t *o)
{
	static const char *const	keys[] = {
		"client", "listener", "helo", "login", "name",
		"verified_name", "tls", "cipher", "certificate", "time",
		"from", "body"
	};
	const json_t			*v;
	size_t				 i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if ((v = json_object_get(o, keys[i])) != NULL &&
		    !json_is_string(v))
			return false;
	return true;
}

/* A text, or a list of texts. */
static bool
list_of(const json_t *o, const char *key, struct cmd_list *l)
{
	const json_t	*v = json_object_get(o, key), *one;
	size_t		 i, n;

	if (v == NULL)
		return true;
	n = json_is_array(v) ? json_array_size(v) : 1;
	if (n > LIST_MAX)
		return false;
	l->v = xcalloc(n + 1, sizeof(*l->v));
	for (i = 0; i < n; i++) {
		one = json_is_array(v) ? json_array_get(v, i) : v;
		if (!json_is_string(one))
			return false;
		l->v[l->n++] = json_string_value(one);
	}
	return true;
}

static bool
time_of(const json_t *o, int64_t *ms)
{
	const char	*s = json_string_value(json_object_get(o, "time"));

	return s == NULL || traffic_time(s, ms);
}

static bool
session_of(const json_t *o, struct traffic *t)
{
	json_int_t	size = json_integer_value(json_object_get(o, "size"));

	if (!json_is_object(o) || !texts_ok(o) ||
	    !ip_parse(text_of(o, "client"), &t->client) ||
	    !time_of(o, &t->now_ms))
		return false;
	t->listener = text_of(o, "listener");
	t->helo = text_of(o, "helo");
	t->login = text_of(o, "login");
	t->name = text_of(o, "name");
	t->verified_name = text_of(o, "verified_name");
	t->tls = text_of(o, "tls");
	t->cipher = text_of(o, "cipher");
	t->certificate = text_of(o, "certificate");
	t->from = text_of(o, "from");
	t->has_from = json_object_get(o, "from") != NULL;
	t->body = text_of(o, "body");
	t->has_body = json_object_get(o, "body") != NULL;
	t->size = size > 0 ? (uint64_t)size : 0;
	return list_of(o, "rcpt", &t->rcpts) &&
	    list_of(o, "header", &t->headers);
}

/* --- the file */

/* What of a line is a session; NULL: it tells of something else. */
static const char *
object_in(const char *line)
{
	const char	*at;

	if (line[0] == '{')
		return line;
	at = strstr(line, " traffic {");
	return at == NULL ? NULL : at + strlen(" traffic ");
}

/* False: it says it is one, and cannot be read. */
static bool
one_line(const char *line, unsigned long number, traffic_cb *cb, void *arg)
{
	struct traffic	 t = { .line = number };
	const char	*text = object_in(line);
	json_t		*o;
	bool		 ok;

	if (text == NULL)
		return true;
	o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ok = o != NULL && session_of(o, &t);
	if (ok)
		cb(arg, &t);
	cmd_list_clear(&t.rcpts);
	cmd_list_clear(&t.headers);
	json_decref(o);
	return ok;
}

int
traffic_read(const char *path, traffic_cb *cb, void *arg, unsigned long *bad)
{
	FILE		*fp = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char		*line = NULL;
	size_t		 cap = 0;
	ssize_t		 n;
	unsigned long	 number = 0;
	int		 failed;

	*bad = 0;
	if (fp == NULL)
		return -1;
	while ((n = getline(&line, &cap, fp)) != -1) {
		number++;
		if ((size_t)n > TRAFFIC_LINE_MAX ||
		    !one_line(line, number, cb, arg))
			(*bad)++;
	}
	failed = ferror(fp);
	free(line);
	if (fp != stdin)
		(void)fclose(fp);
	return failed ? -1 : 0;
}
