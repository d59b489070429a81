/*
 * ldap_words.c - a policy's words of an LDAP table: servers, attributes, and
 * what is searched for.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "maps/asked/ldap_int.h"

#define LDAPI_PATH	"/run/slapd/ldapi"	/* where the URL names none */

/* --- servers */

/* Extensions of a URL: StartTLS by name or number, critical or not. */
static int
take_extensions(char *const *exts, enum ldap_tls *tls, const char **why)
{
	const char	*e;

	for (; exts != NULL && *exts != NULL; exts++) {
		e = **exts == '!' ? *exts + 1 : *exts;
		if (strcasecmp(e, "StartTLS") != 0 &&
		    strcasecmp(e, "X-StartTLS") != 0 &&
		    strcmp(e, LDAP_EXOP_START_TLS) != 0) {
			*why = "the only extension of the URL that is "
			    "understood is StartTLS: "
			    "\"ldap://host/????StartTLS\"";
			return -1;
		}
		if (*tls == LDAP_TLS_NONE)
			*tls = LDAP_TLS_START;
	}
	return 0;
}

static int
take_url(struct ldap_server *s, const LDAPURLDesc *u, const char **why)
{
	const char	*host = u->lud_host == NULL ? "" : u->lud_host;

	if (strcmp(u->lud_scheme, "ldapi") == 0) {
		s->place.path = xstrdup(host[0] == '\0' ? LDAPI_PATH : host);
		s->url = xstrdup("ldapi:///");
		if (s->place.path[0] == '/' && strlen(s->place.path) <= 107)
			return 0;
		*why = "behind ldapi:// stands the whole path of a socket, "
		    "each / written %2F";
		return -1;
	}
	if (strcmp(u->lud_scheme, "ldaps") == 0)
		s->tls = LDAP_TLS_ALWAYS;
	else if (strcmp(u->lud_scheme, "ldap") != 0) {
		*why = "the URL begins with ldap://, ldaps:// or ldapi://";
		return -1;
	}
	s->place.host = xstrdup(host[0] == '\0' ? "localhost" : host);
	s->place.port = u->lud_port > 0 ? (uint16_t)u->lud_port :
	    s->tls == LDAP_TLS_ALWAYS ? LDAPS_PORT : LDAP_PORT;
	s->url = xasprintf(strchr(s->place.host, ':') != NULL ?
	    "%s://[%s]:%u" : "%s://%s:%u", u->lud_scheme, s->place.host,
	    s->place.port);
	return take_extensions(u->lud_exts, &s->tls, why);
}

static int
add_server(struct ldap_words *w, const char *url, const char **why)
{
	LDAPURLDesc	*u = NULL;
	const char	*rest = strchr(url, '?');
	int		 rc;

	if (w->nservers == LDAP_SERVERS_MAX) {
		*why = "there are more than 8 servers";
		return -1;
	}
	if (ldap_url_parse(url, &u) != LDAP_URL_SUCCESS) {
		*why = "not a URL as \"ldap://host\", \"ldaps://host:port\", "
		    "\"ldapi://%2Frun%2Fslapd%2Fldapi\"";
		return -1;
	}
	if ((u->lud_dn != NULL && u->lud_dn[0] != '\0') ||
	    (rest != NULL && strncmp(rest, "????", 4) != 0)) {
		*why = "the URL names the server only: base, attributes, "
		    "scope and filter are options";
		rc = -1;
	} else
		rc = take_url(&w->servers[w->nservers++], u, why);
	ldap_free_urldesc(u);
	return rc;
}

/* --- words */

/* The next word of a list; blanks and commas divide. */
static struct span
next_word(struct span *s)
{
	struct span	 word;
	size_t		 n = 0;

	while (s->n > 0 && strchr(" \t\n,", s->p[0]) != NULL)
		*s = span_from(*s, 1);
	while (n < s->n && strchr(" \t\n,", s->p[n]) == NULL)
		n++;
	word = (struct span){ s->p, n };
	*s = span_from(*s, n);
	return word;
}

static int
take_servers(struct ldap_words *w, struct span list, const char **why)
{
	struct span	 word;
	char		*url;
	int		 rc = 0;

	while (rc == 0 && (word = next_word(&list)).n > 0) {
		url = xstrndup(word.p, word.n);
		rc = add_server(w, url, why);
		free(url);
	}
	if (rc == 0 && w->nservers == 0) {
		*why = "no server is named, as \"ldap://host\"";
		rc = -1;
	}
	return rc;
}

static int
take_columns(struct ldap_words *w, struct span list, const char **why)
{
	struct span	 word;

	while ((word = next_word(&list)).n > 0) {
		if (w->ncolumns == LDAP_COLUMNS_MAX) {
			*why = "there are more than 32 attributes";
			return -1;
		}
		w->columns[w->ncolumns++] = xstrndup(word.p, word.n);
	}
	return 0;
}

static int
take_scope(struct ldap_words *w, struct span scope, const char **why)
{
	if (scope.n == 0 || span_ieq(scope, SPAN("sub")))
		w->scope = LDAP_SCOPE_SUBTREE;
	else if (span_ieq(scope, SPAN("one")))
		w->scope = LDAP_SCOPE_ONELEVEL;
	else if (span_ieq(scope, SPAN("base")))
		w->scope = LDAP_SCOPE_BASE;
	else {
		*why = "the scope is one of base, one, sub";
		return -1;
	}
	return 0;
}

int
ldap_words_init(struct ldap_words *w, const struct asked_source *src,
    const char **why)
{
	int	 level;

	/* The first call reads ldap.conf(5), which takes its time. */
	(void)ldap_get_option(NULL, LDAP_OPT_DEBUG_LEVEL, &level);
	*w = (struct ldap_words){ .timeout_ms = asked_timeout_ms(src),
	    .want = src->want };
	if (src->login.n > 0)
		w->login = xstrndup(src->login.p, src->login.n);
	w->password = xstrndup(src->password.n > 0 ? src->password.p : "",
	    src->password.n);
	if (asked_template_init(&w->base, src->base, why) == 0 &&
	    asked_template_init(&w->filter, src->filter.n > 0 ? src->filter :
	    SPAN("(objectClass=*)"), why) == 0 &&
	    take_scope(w, src->scope, why) == 0 &&
	    take_columns(w, src->attributes, why) == 0 &&
	    take_servers(w, src->where, why) == 0)
		return 0;
	ldap_words_clear(w);
	return -1;
}

void
ldap_words_clear(struct ldap_words *w)
{
	size_t	 i;

	for (i = 0; i < w->nservers; i++) {
		asked_place_clear(&w->servers[i].place);
		free(w->servers[i].url);
	}
	for (i = 0; i < w->ncolumns; i++)
		free(w->columns[i]);
	asked_template_clear(&w->base);
	asked_template_clear(&w->filter);
	if (w->password != NULL)
		explicit_bzero(w->password, strlen(w->password));
	free(w->password);
	free(w->login);
	*w = (struct ldap_words){ 0 };
}

/* --- what is searched for */

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	    c == '@';
}

void
ldap_fill(const struct asked_template *t, struct span key, struct buf *out)
{
	const struct asked_part	*part;
	struct span		 value;
	size_t			 i, j;

	for (i = 0; i < t->n; i++) {
		part = &t->parts[i];
		value = asked_part_value(part, key);
		if (part->is == ASKED_LITERAL) {
			buf_add_span(out, value);
			continue;
		}
		for (j = 0; j < value.n; j++) {
			if (is_plain(value.p[j]))
				buf_add_char(out, value.p[j]);
			else
				buf_addf(out, "\\%02x",
				    (unsigned char)value.p[j]);
		}
	}
}
