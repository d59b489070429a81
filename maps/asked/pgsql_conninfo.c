/*
 * pgsql_conninfo.c - libpq's conninfo with addresses put in.
 *
 * libpq asks the system for the address of a host, and waits for it.  With
 * `hostaddr` beside `host` it does not; the name still is what a certificate
 * is compared with.  Of a host with several addresses each stands there.
 */
#include <libpq-fe.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/pgsql_conninfo.h"

#define HOSTS_MAX	16	/* of a conninfo */
#define WORDS_MAX	80	/* keywords that libpq knows: about 45 */

struct pgsql_conninfo {
	PQconninfoOption	*options;
	char			*login, *password;	/* or NULL */
};

static PQconninfoOption *
option(const struct pgsql_conninfo *info, const char *keyword)
{
	PQconninfoOption	*o;

	for (o = info->options; o != NULL && o->keyword != NULL; o++) {
		if (strcmp(o->keyword, keyword) == 0)
			return o;
	}
	return NULL;
}

static const char *
value_of(const struct pgsql_conninfo *info, const char *keyword)
{
	const PQconninfoOption	*o = option(info, keyword);

	return o == NULL || o->val == NULL ? "" : o->val;
}

bool
pgsql_conninfo_has(const struct pgsql_conninfo *info, const char *keyword)
{
	return value_of(info, keyword)[0] != '\0';
}

/* What may not stand in the text; NULL: nothing of it. */
static const char *
refused(const struct pgsql_conninfo *info)
{
	if (pgsql_conninfo_has(info, "password"))
		return "a password stands in the policy: say "
		    "login \"user\" password file \"path\"";
	if (pgsql_conninfo_has(info, "service"))
		return "a service's file is not read: say host, port and "
		    "dbname themselves";
	if (info->login != NULL && pgsql_conninfo_has(info, "user"))
		return "the user stands twice: in user= and as the login";
	return NULL;
}

struct pgsql_conninfo *
pgsql_conninfo_new(struct span where, struct span login, struct span password,
    const char **why)
{
	static char		 said[ASKED_WHY_MAX];
	struct pgsql_conninfo	*info = xcalloc(1, sizeof(*info));
	char			*text = xstrndup(where.n > 0 ? where.p : "",
	    where.n), *error = NULL;

	info->options = PQconninfoParse(text, &error);
	free(text);
	if (login.n > 0)
		info->login = xstrndup(login.p, login.n);
	if (password.n > 0)
		info->password = xstrndup(password.p, password.n);
	if (info->options == NULL) {
		snprintf(said, sizeof(said), "not as libpq reads it: %.*s",
		    error == NULL ? 0 : (int)strcspn(error, "\n"),
		    error == NULL ? "" : error);
		*why = said;
	} else
		*why = refused(info);
	PQfreemem(error);
	if (*why != NULL)
		pgsql_conninfo_free(&info);
	return info;
}

void
pgsql_conninfo_free(struct pgsql_conninfo **ip)
{
	struct pgsql_conninfo	*info = *ip;

	*ip = NULL;
	if (info == NULL)
		return;
	PQconninfoFree(info->options);
	if (info->password != NULL)
		explicit_bzero(info->password, strlen(info->password));
	free(info->password);
	free(info->login);
	free(info);
}

/* --- addresses */

struct pgsql_addresses {
	const struct pgsql_conninfo	*info;
	const struct asked_names	*names;
	pgsql_addresses_cb		*cb;
	void				*arg;
	char				*hosts[HOSTS_MAX], *ports[HOSTS_MAX];
	size_t				 nhosts, nports, next;
	struct asked_hosts		*asking;
	struct timer			 soon;
	struct buf			 host, hostaddr, port;	/* lists */
	char				 why[ASKED_WHY_MAX];
};

static size_t
split(const char *list, char *out[HOSTS_MAX])
{
	size_t	 n = 0, len;

	for (; list[0] != '\0' && n < HOSTS_MAX; list += len) {
		list += n > 0;		/* the comma */
		len = strcspn(list, ",");
		out[n++] = xstrndup(list, len);
	}
	return n;
}

static void
add_word(struct buf *list, bool first, const char *word)
{
	if (!first)
		buf_add_char(list, ',');
	buf_add_str(list, word);
}

static const char *
port_of(const struct pgsql_addresses *a, size_t host)
{
	return a->nports == 0 ? "" :
	    a->ports[a->nports == 1 || host >= a->nports ? 0 : host];
}

/* addr "": a folder of unix sockets. */
static void
add_address(struct pgsql_addresses *a, size_t host, const char *addr)
{
	bool	 first = a->host.n == 0;

	add_word(&a->host, first, a->hosts[host]);
	add_word(&a->hostaddr, first, addr);
	add_word(&a->port, first, port_of(a, host));
}

/* Ours, where the policy says nothing. */
static const char *
our_value(struct pgsql_addresses *a, const char *keyword)
{
	const struct pgsql_conninfo	*info = a->info;

	if (a->host.n > 0 && strcmp(keyword, "host") == 0)
		return buf_cstr(&a->host);
	if (a->host.n > 0 && strcmp(keyword, "hostaddr") == 0)
		return buf_cstr(&a->hostaddr);
	if (a->host.n > 0 && strcmp(keyword, "port") == 0 && a->nports > 0)
		return buf_cstr(&a->port);
	if (info->login != NULL && strcmp(keyword, "user") == 0)
		return info->login;
	if (info->password != NULL && strcmp(keyword, "password") == 0)
		return info->password;
	return NULL;
}

static const char *
default_value(const char *keyword)
{
	return strcmp(keyword, "gssencmode") == 0 ? "disable" :
	    strcmp(keyword, "client_encoding") == 0 ? "UTF8" :
	    strcmp(keyword, "fallback_application_name") == 0 ? "waybill" :
	    NULL;
}

static void
tell(struct pgsql_addresses *a)
{
	const char		*keys[WORDS_MAX + 1], *values[WORDS_MAX + 1];
	struct pgsql_words	 words = { keys, values };
	const PQconninfoOption	*o;
	const char		*value;
	size_t			 n = 0;

	for (o = a->info->options; o->keyword != NULL && n < WORDS_MAX; o++) {
		value = our_value(a, o->keyword);
		if (value == NULL && o->val != NULL && o->val[0] != '\0')
			value = o->val;
		if (value == NULL)
			value = default_value(o->keyword);
		if (value == NULL)
			continue;
		keys[n] = o->keyword;
		values[n++] = value;
	}
	keys[n] = values[n] = NULL;
	a->cb(a->arg, &words, NULL);	/* may free a */
}

static void	 next_host(void *);

static void
on_hosts(void *arg, const struct ip *ips, size_t n, enum map_result result,
    const char *why)
{
	struct pgsql_addresses	*a = arg;
	char			 text[IP_TEXT_MAX];
	size_t			 i;

	(void)result;
	for (i = 0; i < n; i++)
		add_address(a, a->next - 1, ip_format(&ips[i], text));
	if (n == 0)
		snprintf(a->why, sizeof(a->why), "%s", why);
	asked_hosts_free(&a->asking);
	next_host(a);
}

/* Paths need no address; '@' begins an abstract one. */
static void
next_host(void *arg)
{
	struct pgsql_addresses	*a = arg;
	const char		*host;

	while (a->next < a->nhosts) {
		host = a->hosts[a->next++];
		if (host[0] != '/' && host[0] != '@' && host[0] != '\0') {
			a->asking = asked_hosts_new(host, a->names, on_hosts,
			    a);
			return;
		}
		add_address(a, a->next - 1, "");
	}
	if (a->nhosts > 0 && a->host.n == 0 && a->why[0] != '\0')
		a->cb(a->arg, NULL, a->why);	/* may free a */
	else
		tell(a);
}

struct pgsql_addresses *
pgsql_addresses_new(const struct pgsql_conninfo *info,
    const struct asked_names *names, pgsql_addresses_cb *cb, void *arg)
{
	struct pgsql_addresses	*a = xcalloc(1, sizeof(*a));

	a->info = info;
	a->names = names;
	a->cb = cb;
	a->arg = arg;
	if (!pgsql_conninfo_has(info, "hostaddr")) {
		a->nhosts = split(value_of(info, "host"), a->hosts);
		a->nports = split(value_of(info, "port"), a->ports);
	}
	timer_set(&a->soon, 0, next_host, a);
	return a;
}

void
pgsql_addresses_free(struct pgsql_addresses **ap)
{
	struct pgsql_addresses	*a = *ap;
	size_t			 i;

	*ap = NULL;
	if (a == NULL)
		return;
	asked_hosts_free(&a->asking);
	timer_clear(&a->soon);
	for (i = 0; i < a->nhosts; i++)
		free(a->hosts[i]);
	for (i = 0; i < a->nports; i++)
		free(a->ports[i]);
	buf_clear(&a->host);
	buf_clear(&a->hostaddr);
	buf_clear(&a->port);
	free(a);
}
