/*
 * reply.c - JSON of endpoints and hops.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#include "mta/credentials/reply.h"

static json_t *
load(struct span text)
{
	json_t	*j;

	if (text.n == 0 || text.n > REPLY_JSON_MAX)
		return NULL;
	j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	if (j != NULL && !json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* Printable ASCII without quotes of a string; "" where there is none. */
static void
word(const json_t *j, const char *key, char *out, size_t size)
{
	const char	*s = json_string_value(json_object_get(j, key));
	size_t		 n = 0;

	for (; s != NULL && *s != '\0' && n + 1 < size; s++)
		if (*s >= ' ' && *s < 0x7f && *s != '"' && *s != '\\')
			out[n++] = *s;
	out[n] = '\0';
}

void
reply_status(struct span json, char *out, size_t size)
{
	json_t	*j = load(json);

	out[0] = '\0';
	if (j != NULL)
		word(j, "status", out, size);
	json_decref(j);
}

/* VSCHAR (RFC 6749, A.12), no blank: it goes into a line of SASL. */
static char *
token(const json_t *j, const char *key)
{
	const json_t	*v = json_object_get(j, key);
	const char	*s = json_string_value(v);
	size_t		 i, n = json_string_length(v);

	if (s == NULL || n == 0 || n > REPLY_TOKEN_MAX)
		return NULL;
	for (i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return NULL;
	return xstrndup(s, n);
}

/* A number, or as some endpoints have it a string of digits. */
static int64_t
expires(const json_t *j)
{
	const json_t	*v = json_object_get(j, "expires_in");
	uint64_t	 n;

	if (json_is_string(v)) {
		if (!span_u64(span_of(json_string_value(v)), UINT32_MAX, &n))
			return 0;
	} else if (!json_is_integer(v) || json_integer_value(v) <= 0)
		return 0;
	else
		n = (uint64_t)json_integer_value(v);
	return n > REPLY_EXPIRES_MAX_S ? REPLY_EXPIRES_MAX_S : (int64_t)n;
}

static bool
is_bearer(const json_t *j)
{
	const char	*type;

	type = json_string_value(json_object_get(j, "token_type"));
	return type == NULL || span_ieq(span_of(type), SPAN("bearer"));
}

static void
read_error(const json_t *j, struct token_reply *r)
{
	char	more[REPLY_WORD_MAX / 2];
	size_t	n;

	word(j, "error", r->error, 64);
	word(j, "error_description", more, sizeof(more));
	n = strlen(r->error);
	if (n > 0 && more[0] != '\0')
		snprintf(r->error + n, sizeof(r->error) - n, " (%s)", more);
}

static const char *
read_reply(const json_t *j, struct token_reply *r)
{
	read_error(j, r);
	if (r->error[0] != '\0')
		return NULL;
	if (!is_bearer(j))
		return "its token is no bearer token";
	if ((r->token = token(j, "access_token")) == NULL)
		return "there is no access token in it";
	r->refresh = token(j, "refresh_token");
	r->expires_s = expires(j);
	return NULL;
}

bool
token_reply_parse(struct span json, struct token_reply *r, const char **why)
{
	json_t	*j = load(json);

	*r = (struct token_reply){ .token = NULL };
	if (j == NULL) {
		*why = "it is no JSON object";
		return false;
	}
	*why = read_reply(j, r);
	json_decref(j);
	return *why == NULL;
}

static void
wipe(char **p)
{
	if (*p != NULL)
		explicit_bzero(*p, strlen(*p));
	free(*p);
	*p = NULL;
}

void
token_reply_clear(struct token_reply *r)
{
	wipe(&r->token);
	wipe(&r->refresh);
}
