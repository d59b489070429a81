/*
 * where.c - where a server's table is: what stands behind dns, socket, sqlite,
 * pgsql, ldap and redis.
 */
#include "cf/drivers.h"
#include "cf/literal.h"
#include "cf/places.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SQLITE_MAGIC	"SQLite format 3"	/* with its NUL */

static bool
is_port(struct span s)
{
	uint64_t	 port;

	return span_u64(s, 65535, &port) && port > 0;
}

/* "host:port", "[2001:db8::1]:port". */
static bool
is_host_port(struct span s)
{
	size_t	 colon = s.n;

	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon < 2 || !is_port(span_from(s, colon)))
		return false;
	s.n = colon - 1;
	if (s.p[0] == '[')
		return s.n > 2 && s.p[s.n - 1] == ']';
	return span_index(s, ':') < 0 && span_index(s, '/') < 0;
}

static void
error_where(struct cf *cf, const struct cf_decl *d, const char *what,
    const char *help)
{
	cf_error(cf, d->where_loc, "'%.*s' is no %s", SPAN_ARG(d->where),
	    what);
	cf_help(cf, "%s", help);
}

static void
check_socket(struct cf *cf, const struct cf_decl *d)
{
	if (span_prefix(d->where, SPAN("unix:/")) ||
	    (span_prefix(d->where, SPAN("inet:")) &&
	    is_host_port(span_from(d->where, 5))))
		return;
	error_where(cf, d, "server of socketmaps", "as in "
	    "\"unix:/run/maps.sock\", \"inet:127.0.0.1:7000\"; the map that "
	    "is asked is the option 'map'");
}

/* "host:port", "host:port/2", "unix:/path". */
static void
check_redis(struct cf *cf, const struct cf_decl *d)
{
	struct span	 s = d->where;
	ptrdiff_t	 slash = span_index(s, '/');
	uint64_t	 db;

	if (span_prefix(s, SPAN("unix:/")))
		return;
	if (slash < 0 || span_u64(span_from(s, (size_t)slash + 1), 65535,
	    &db)) {
		if (slash >= 0)
			s.n = (size_t)slash;
		if (is_host_port(s))
			return;
	}
	error_where(cf, d, "redis server", "as in \"127.0.0.1:6379\", "
	    "\"127.0.0.1:6379/2\" for its database 2, "
	    "\"unix:/run/redis/redis.sock\"");
}

/* "ldap://host", "ldaps://host:port", "ldap://host/????StartTLS", "ldapi:///". */
static bool
is_ldap(struct span url)
{
	static const char *const	 schemes[] = {
		"ldap://", "ldaps://", "ldapi://"
	};
	ptrdiff_t			 slash;
	size_t				 i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!span_prefix(url, span_of(schemes[i])))
			continue;
		url = span_from(url, strlen(schemes[i]));
		slash = span_index(url, '/');
		if (i < 2 && (url.n == 0 || slash == 0))
			return false;
		/* What is asked there stands in the block. */
		return slash < 0 || (size_t)slash + 1 == url.n ||
		    span_prefix(span_from(url, (size_t)slash + 1),
		    SPAN("????"));
	}
	return false;
}

/* Several servers stand with blanks or commas between. */
static void
check_ldap(struct cf *cf, const struct cf_decl *d)
{
	struct span	 rest = d->where, one;
	size_t		 n, servers = 0;

	for (; rest.n > 0; rest = span_from(rest, n + 1)) {
		for (n = 0; n < rest.n && rest.p[n] != ' ' &&
		    rest.p[n] != ','; n++)
			continue;
		one = (struct span){ rest.p, n };
		if (n > 0 && !is_ldap(one))
			break;
		servers += n > 0;
	}
	if (rest.n == 0 && servers > 0)
		return;
	error_where(cf, d, "LDAP server", "as in \"ldap://ldap.example\", "
	    "\"ldaps://ldap.example:636\", \"ldap://ldap.example/????StartTLS\","
	    " \"ldapi:///\"; what is asked there is said by 'base' and "
	    "'filter'");
}

static bool
is_setting(struct span key)
{
	size_t	 i;

	for (i = 0; i < key.n; i++) {
		if ((key.p[i] < 'a' || key.p[i] > 'z') && key.p[i] != '_')
			return false;
	}
	return key.n > 0;
}

/* The next `key=value`, blanks around it taken off; false: none, or not one. */
static bool
next_setting(struct span *s, struct span *key)
{
	ptrdiff_t	 equals;
	size_t		 n = 0;
	bool		 quoted;

	equals = span_index(*s, '=');
	if (equals <= 0)
		return false;
	*key = (struct span){ s->p, (size_t)equals };
	while (key->n > 0 && key->p[key->n - 1] == ' ')
		key->n--;
	*s = span_from(*s, (size_t)equals + 1);
	while (s->n > 0 && s->p[0] == ' ')
		*s = span_from(*s, 1);
	quoted = s->n > 0 && s->p[0] == '\'';
	for (n = quoted; n < s->n; n++) {
		if (s->p[n] == '\\' && n + 1 < s->n)
			n++;
		else if (s->p[n] == (quoted ? '\'' : ' '))
			break;
	}
	if (quoted && n >= s->n)
		return false;
	*s = span_from(*s, n < s->n ? n + 1 : s->n);
	while (s->n > 0 && s->p[0] == ' ')
		*s = span_from(*s, 1);
	return is_setting(*key);
}

static bool
has_login(const struct cf_decl *d)
{
	const struct cf_opt	*o;

	for (o = d->opts; o != NULL; o = o->next) {
		if (cf_is_word(o->values, SPAN("login")))
			return true;
	}
	return false;
}

/* What a connection string may not say; false: this it may. */
static bool
refuse_setting(struct cf *cf, const struct cf_decl *d, struct span key)
{
	if (span_eq(key, SPAN("password"))) {
		cf_error(cf, d->where_loc, "a password does not stand here");
		cf_help(cf, "say it in the block: login \"user\" password "
		    "file \"path\"");
		return true;
	}
	if (span_eq(key, SPAN("user")) && has_login(d)) {
		cf_error(cf, d->where_loc, "the user stands twice: here, and "
		    "in 'login'");
		return true;
	}
	if (span_eq(key, SPAN("service"))) {
		cf_error(cf, d->where_loc, "the file of a 'service' is not "
		    "read");
		cf_help(cf, "say host, port and dbname themselves");
		return true;
	}
	return false;
}

/* libpq's connection string (PostgreSQL, 34.1.1.1), without a password. */
static void
check_pgsql(struct cf *cf, const struct cf_decl *d)
{
	struct span	 rest = d->where, key;

	while (rest.n > 0 && rest.p[0] == ' ')
		rest = span_from(rest, 1);
	while (rest.n > 0) {
		if (!next_setting(&rest, &key)) {
			error_where(cf, d, "connection to PostgreSQL", "words "
			    "key=value, as in \"host=db.example dbname=mail "
			    "user=waybill\"");
			return;
		}
		if (refuse_setting(cf, d, key))
			return;
	}
}

/* As with tables that are read: the server starts, and what asks for it waits. */
static void
warn_sqlite(struct cf *cf, const struct cf_decl *d, const char *why)
{
	cf_warn(cf, d->where_loc, "'%.*s': %s; what asks for it waits (451)",
	    SPAN_ARG(d->where), why);
}

/* The file's first octets. */
static void
check_sqlite(struct cf *cf, const struct cf_decl *d)
{
	bool	 starts = cf->tables == CF_TABLES_FOR_START;
	char	 octets[sizeof(SQLITE_MAGIC)];
	ssize_t	 n;
	int	 fd;

	if (cf->tables == CF_TABLES_NOT)
		return;
	fd = open(cf_full_path(cf, d->where), O_RDONLY | O_CLOEXEC |
	    O_NONBLOCK);
	if (fd == -1 && (errno == EACCES || errno == EPERM)) {
		cf_warn(cf, d->where_loc, "whether '%.*s' is a database "
		    "cannot be seen by this user", SPAN_ARG(d->where));
		return;
	}
	if (fd == -1 && starts) {
		warn_sqlite(cf, d, strerror(errno));
		return;
	}
	if (fd == -1) {
		cf_error(cf, d->where_loc, "'%.*s' cannot be read: %s",
		    SPAN_ARG(d->where), strerror(errno));
		return;
	}
	n = read(fd, octets, sizeof(octets));
	close(fd);
	if (n == (ssize_t)sizeof(octets) &&
	    memcmp(octets, SQLITE_MAGIC, sizeof(octets)) == 0)
		return;
	if (starts)
		warn_sqlite(cf, d, "it is no database of SQLite");
	else
		error_where(cf, d, "database of SQLite",
		    "sqlite3 makes one");
}

/* `dns "zone"`: the key stands before it. */
static void
check_dns(struct cf *cf, const struct cf_decl *d)
{
	struct rs_value	 v;
	const char	*why;

	if (d->has_where && !cf_lit_domain(cf, d->where, &v, &why))
		cf_error(cf, d->where_loc, "'%.*s' is no name of a domain: %s",
		    SPAN_ARG(d->where), why);
}

void
cf_where_check(struct cf *cf, const struct cf_decl *d)
{
	static const struct {
		const char	*driver;
		void		(*check)(struct cf *, const struct cf_decl *);
	} checks[] = {
		{ "dns", check_dns }, { "socket", check_socket },
		{ "sqlite", check_sqlite }, { "pgsql", check_pgsql },
		{ "ldap", check_ldap }, { "redis", check_redis },
	};
	size_t	 i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (span_eq(d->driver, span_of(checks[i].driver)))
			checks[i].check(cf, d);
	}
}
