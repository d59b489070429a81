/*
 * grant.c - what is said to an endpoint of OAuth 2.
 */
#include "config.h"

#include <string.h>

#include <openssl/evp.h>

#include "mta/credentials/grant.h"
#include "mta/credentials/secrets.h"

/* application/x-www-form-urlencoded (RFC 6749, B). */
static void
add_encoded(struct buf *b, struct span s)
{
	static const char	hex[] = "0123456789ABCDEF";
	size_t			i;

	for (i = 0; i < s.n; i++) {
		unsigned char	c = (unsigned char)s.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		    c == '_' || c == '~') {
			buf_add_char(b, (char)c);
			continue;
		}
		buf_add_char(b, '%');
		buf_add_char(b, hex[c >> 4]);
		buf_add_char(b, hex[c & 15]);
	}
}

static void
add_field(struct buf *b, const char *name, struct span value)
{
	buf_addf(b, "%s%s=", b->n > 0 ? "&" : "", name);
	add_encoded(b, value);
}

static void
wipe(struct buf *b)
{
	if (b->base != NULL)
		explicit_bzero(b->base, b->cap);
	buf_clear(b);
}

/* 2.3.1: both encoded as a form has them, a colon between, in base64. */
static void
add_basic(struct buf *headers, const char *client, struct span secret)
{
	struct buf	pair = { 0 };
	char		*to;

	(void)buf_reserve(&pair, 3 * (strlen(client) + secret.n) + 2);
	add_encoded(&pair, span_of(client));
	buf_add_char(&pair, ':');
	add_encoded(&pair, secret);
	buf_add_str(headers, "Authorization: Basic ");
	to = buf_reserve(headers, 4 * ((pair.n + 2) / 3) + 1);
	buf_grown(headers, (size_t)EVP_EncodeBlock((unsigned char *)to,
	    (const unsigned char *)buf_span(&pair).p, (int)pair.n));
	buf_add_char(headers, '\n');
	wipe(&pair);
}

void
grant_write(struct grant *g, const struct source *s, struct span refresh)
{
	struct span	secret = secrets_first(buf_span(&s->client_secret));

	*g = (struct grant){ .headers = { 0 } };
	(void)buf_reserve(&g->headers, 8 * (strlen(s->client) + secret.n) +
	    256);
	(void)buf_reserve(&g->body, 3 * (refresh.n + strlen(s->client)) +
	    (s->scope == NULL ? 0 : 3 * strlen(s->scope)) + 256);
	buf_add_str(&g->headers, "Accept: application/json\n");
	add_field(&g->body, "grant_type", s->has_refresh ?
	    SPAN("refresh_token") : SPAN("client_credentials"));
	if (s->has_refresh)
		add_field(&g->body, "refresh_token", refresh);
	if (s->scope != NULL)
		add_field(&g->body, "scope", span_of(s->scope));
	if (secret.n > 0)
		add_basic(&g->headers, s->client, secret);
	else
		add_field(&g->body, "client_id", span_of(s->client));
}

void
grant_clear(struct grant *g)
{
	wipe(&g->headers);
	wipe(&g->body);
}

/* 5.2; what else there may be passes by itself. */
bool
grant_is_refused(const char *error)
{
	static const char *const	errors[] = {
		"invalid_request", "invalid_client", "invalid_grant",
		"unauthorized_client", "unsupported_grant_type",
		"invalid_scope"
	};
	size_t				i, n = strcspn(error, " ");

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strlen(errors[i]) == n &&
		    strncmp(error, errors[i], n) == 0)
			return true;
	return false;
}
