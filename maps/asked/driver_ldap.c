/*
 * driver_ldap.c - searches in LDAP (RFC 4511) as a table, by libldap.
 * waybill-tables(5), SERVERS.
 *
 * libldap gets a socket that is connected already, and is asked for results
 * without waiting.  The TLS handshake alone it cannot do so: that runs on a
 * thread, which nobody waits for.
 */
#include <ldap.h>
#include <openldap.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/ldap_int.h"
#include "maps/asked/thread.h"

#define MESSAGE_MAX	(4u << 20)	/* octets of one message */

enum state { DIALLING, STARTING_TLS, HANDSHAKE, BINDING, IDLE, ASKING };

/* A handshake; the thread's while it runs. */
struct handshake {
	LDAP	*ld;
	int	 rc;
	char	 why[ASKED_WHY_MAX];
};

struct conn {
	struct asked_conn		*conn;
	const struct ldap_words		*words;
	size_t				 next;		/* server */
	const struct ldap_server	*server;
	struct asked_dial		*dial;
	LDAP				*ld;
	int				 fd;		/* libldap's */
	struct watch			 watch;
	struct handshake		*handshake;	/* has ld meanwhile */
	struct asked_thread		*thread;
	enum state			 state;
	int				 msgid;
	struct asked_gather		 gathered;
	char				 why[ASKED_WHY_MAX];
};

static void	 try_next(struct conn *);
static void	 on_ready(void *, int);

/* --- the policy's words */

static void *
table_open(const struct asked_source *src, const char **why)
{
	struct ldap_words	*w = xcalloc(1, sizeof(*w));

	if (ldap_words_init(w, src, why) == 0)
		return w;
	free(w);
	return NULL;
}

static void
table_close(void *arg)
{
	ldap_words_clear(arg);
	free(arg);
}

/* --- the end of a connection */

static void
end_handshake(void *arg)
{
	struct handshake	*h = arg;

	if (h->ld != NULL)
		(void)ldap_unbind_ext(h->ld, NULL, NULL);
	free(h);
}

/* Of one server; the next may be tried. */
static void
drop(struct conn *c)
{
	watch_clear(&c->watch);
	asked_dial_free(&c->dial);
	if (c->thread != NULL)
		asked_thread_leave(&c->thread);		/* ends the handshake */
	c->handshake = NULL;
	if (c->ld != NULL)
		(void)ldap_unbind_ext(c->ld, NULL, NULL);
	c->ld = NULL;
	c->fd = -1;
}

static void
disconnect(void *arg)
{
	struct conn	*c = arg;

	drop(c);
	asked_gather_clear(&c->gathered);
	free(c);
}

/* The server is of no use; while connecting the next one is tried. */
static void
failed(struct conn *c, const char *what)
{
	const struct ldap_server	*s = c->server;
	char				 why[ASKED_WHY_MAX];

	snprintf(why, sizeof(why), "%s%s%s%s: %s", s->url,
	    s->place.path != NULL ? " (" : "",
	    s->place.path != NULL ? s->place.path : "",
	    s->place.path != NULL ? ")" : "", what);
	memcpy(c->why, why, sizeof(why));
	if (c->state == IDLE || c->state == ASKING) {
		watch_clear(&c->watch);
		asked_conn_down(c->conn, why);
		return;
	}
	drop(c);
	try_next(c);
}

/* What libldap says of itself. */
static void
failed_ldap(struct conn *c, const char *what)
{
	char	 why[ASKED_WHY_MAX], *diag = NULL;
	int	 code = LDAP_OTHER;

	(void)ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &code);
	(void)ldap_get_option(c->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diag);
	snprintf(why, sizeof(why), "%s: %s%s%s", what, ldap_err2string(code),
	    diag != NULL && diag[0] != '\0' ? ": " : "",
	    diag != NULL ? diag : "");
	ldap_memfree(diag);
	failed(c, why);
}

/* --- asking */

static void
ask(struct asked_conn *conn, struct span key)
{
	struct conn		*c = asked_conn_get(conn);
	const struct ldap_words	*w = c->words;
	static char		*none[] = { LDAP_NO_ATTRS, NULL };
	struct timeval		 limit = {
		.tv_sec = (time_t)((w->timeout_ms + 999) / 1000) };
	struct buf		 base = { 0 }, filter = { 0 };
	int			 rc;

	ldap_fill(&w->base, key, &base);
	ldap_fill(&w->filter, key, &filter);
	asked_gather_reset(&c->gathered);
	c->state = ASKING;
	rc = ldap_search_ext(c->ld, buf_cstr(&base), w->scope,
	    buf_cstr(&filter), w->ncolumns == 0 ? none : (char **)w->columns,
	    0, NULL, NULL, &limit, LDAP_ENTRIES_MAX, &c->msgid);
	buf_clear(&base);
	buf_clear(&filter);
	if (rc == LDAP_FILTER_ERROR) {
		c->state = IDLE;
		asked_conn_answer(conn, MAP_BROKEN, NULL,
		    "the filter is not one as RFC 4515 has it");
	} else if (rc != LDAP_SUCCESS)
		failed_ldap(c, "the search cannot be sent");
}

/*
 * A login as the entry.  Without a password it would be one of nobody, which
 * servers let in (RFC 4513, 5.1.2).
 */
static void
prove(struct asked_conn *conn, struct span dn)
{
	struct conn	*c = asked_conn_get(conn);
	struct span	 password = asked_conn_password(conn);
	struct berval	 cred = { password.n, (char *)(uintptr_t)password.p };
	char		*name;
	int		 rc;

	if (dn.n == 0 || password.n == 0) {
		asked_conn_answer(conn, MAP_BROKEN, NULL,
		    "an entry without a name, or no password");
		return;
	}
	name = xstrndup(dn.p, dn.n);
	c->state = ASKING;
	rc = ldap_sasl_bind(c->ld, name, LDAP_SASL_SIMPLE, &cred, NULL, NULL,
	    &c->msgid);
	free(name);
	if (rc != LDAP_SUCCESS)
		failed_ldap(c, "the password cannot be sent");
}

/* Nothing is asked as that entry: the connection has done its work. */
static void
take_proof(struct conn *c, LDAPMessage *msg)
{
	char		 why[ASKED_WHY_MAX];
	enum map_result	 result = ldap_take_bind(c->ld, msg, why);

	c->state = IDLE;
	watch_clear(&c->watch);
	asked_conn_answer(c->conn, result, NULL,
	    why[0] != '\0' ? why : NULL);
	asked_conn_down(c->conn, "it has been used");
}

/* A key that is no UTF-8 is in no directory; others are asked. */
static void
ask_text(struct asked_conn *conn, struct span key)
{
	struct span	 rest = key;
	size_t		 n;

	while (rest.n > 0) {
		if ((n = span_utf8(rest)) == 0) {
			asked_conn_answer(conn, MAP_NONE, NULL, NULL);
			return;
		}
		rest = span_from(rest, n);
	}
	if (((struct conn *)asked_conn_get(conn))->words->want == ASKED_BIND)
		prove(conn, key);
	else
		ask(conn, key);
}

static void
take_end(struct conn *c, LDAPMessage *msg)
{
	struct asked_rows	 rows;
	char			 why[ASKED_WHY_MAX];
	enum map_result		 result = ldap_take_end(c->ld, msg, why);

	if (result == MAP_FOUND && c->gathered.over) {
		result = MAP_BROKEN;
		snprintf(why, sizeof(why), "%s", ASKED_TOO_MUCH);
	} else if (result == MAP_FOUND && c->gathered.n == 0)
		result = MAP_NONE;
	asked_gather_rows(&c->gathered, (const char *const *)c->words->columns,
	    c->words->ncolumns == 0 ? 1 : c->words->ncolumns, &rows);
	if (c->words->ncolumns < 2)
		rows.names = NULL;
	c->state = IDLE;
	asked_conn_answer(c->conn, result, &rows,
	    why[0] != '\0' ? why : NULL);
}

/* --- connecting, step by step */

static void
is_up(struct conn *c)
{
	c->state = IDLE;
	watch_set(&c->watch, c->fd, LOOP_READ, on_ready, c);
	asked_conn_up(c->conn);
}

static void
bind_now(struct conn *c)
{
	struct berval	 cred = { strlen(c->words->password),
	    c->words->password };

	if (c->words->login == NULL) {
		is_up(c);
		return;
	}
	c->state = BINDING;
	watch_set(&c->watch, c->fd, LOOP_READ, on_ready, c);
	if (ldap_sasl_bind(c->ld, c->words->login, LDAP_SASL_SIMPLE, &cred,
	    NULL, NULL, &c->msgid) != LDAP_SUCCESS)
		failed_ldap(c, "the login cannot be sent");
}

/* On the thread. */
static void
shake_hands(void *arg)
{
	struct handshake	*h = arg;
	char			*diag = NULL;

	h->rc = ldap_install_tls(h->ld);
	if (h->rc == LDAP_SUCCESS)
		return;
	(void)ldap_get_option(h->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diag);
	/* Of a name that does not fit, GnuTLS says "(unknown error code)". */
	if (diag == NULL || diag[0] == '(')
		snprintf(h->why, sizeof(h->why), "TLS: %s: the certificate "
		    "is not of this name, or of no authority that "
		    "ldap.conf(5) knows", ldap_err2string(h->rc));
	else
		snprintf(h->why, sizeof(h->why), "TLS: %s: %s",
		    ldap_err2string(h->rc), diag);
	ldap_memfree(diag);
}

static void
on_shaken(void *owner)
{
	struct conn		*c = owner;
	struct handshake	*h = c->handshake;
	char			 why[ASKED_WHY_MAX];
	int			 rc = h->rc;

	memcpy(why, h->why, sizeof(why));
	c->ld = h->ld;
	h->ld = NULL;			/* c has it now */
	c->handshake = NULL;
	asked_thread_leave(&c->thread);
	/* libldap makes the socket blocking behind a handshake. */
	if (rc == LDAP_SUCCESS && fcntl(c->fd, F_SETFL,
	    fcntl(c->fd, F_GETFL) | O_NONBLOCK) != -1)
		bind_now(c);
	else
		failed(c, why);
}

static void
handshake(struct conn *c)
{
	struct handshake	*h = xcalloc(1, sizeof(*h));

	watch_clear(&c->watch);
	c->state = HANDSHAKE;
	h->ld = c->ld;
	c->ld = NULL;			/* the handshake has it now */
	c->handshake = h;
	c->thread = asked_thread_new(end_handshake, h);
	if (c->thread != NULL) {
		asked_thread_run(c->thread, shake_hands, on_shaken, c);
		return;
	}
	c->handshake = NULL;
	end_handshake(h);
	failed(c, "no thread can be had for TLS");
}

static void
start_tls(struct conn *c)
{
	c->state = STARTING_TLS;
	watch_set(&c->watch, c->fd, LOOP_READ, on_ready, c);
	if (ldap_start_tls(c->ld, NULL, NULL, &c->msgid) != LDAP_SUCCESS)
		failed_ldap(c, "StartTLS cannot be sent");
}

static void
set_options(struct conn *c)
{
	static const int	version = LDAP_VERSION3;
	struct timeval		net = {
		.tv_sec = (time_t)((c->words->timeout_ms + 999) / 1000) };
	ber_len_t		most = MESSAGE_MAX;
	Sockbuf			*sb = NULL;

	(void)ldap_set_option(c->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	(void)ldap_set_option(c->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	(void)ldap_set_option(c->ld, LDAP_OPT_RESTART, LDAP_OPT_OFF);
	(void)ldap_set_option(c->ld, LDAP_OPT_NETWORK_TIMEOUT, &net);
	if (ldap_get_option(c->ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS)
		(void)ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING,
		    &most);
}

static void
on_dialled(void *arg, int fd, const char *why)
{
	struct conn	*c = arg;
	char		 copy[ASKED_WHY_MAX];

	if (fd == -1) {
		snprintf(copy, sizeof(copy), "%s", why);
		failed(c, copy);
		return;
	}
	asked_dial_free(&c->dial);
	c->fd = fd;
	if (ldap_init_fd(fd, c->server->place.path != NULL ?
	    LDAP_PROTO_IPC : LDAP_PROTO_TCP, c->server->url, &c->ld) !=
	    LDAP_SUCCESS) {
		close(fd);
		failed(c, "libldap does not take the socket");
		return;
	}
	set_options(c);
	if (c->server->tls == LDAP_TLS_ALWAYS)
		handshake(c);
	else if (c->server->tls == LDAP_TLS_START)
		start_tls(c);
	else
		bind_now(c);
}

static void
try_next(struct conn *c)
{
	char	 why[ASKED_WHY_MAX];

	c->state = DIALLING;
	if (c->next == c->words->nservers) {
		memcpy(why, c->why, sizeof(why));
		asked_conn_down(c->conn, why);
		return;
	}
	c->server = &c->words->servers[c->next++];
	c->dial = asked_dial_new(&c->server->place, asked_conn_names(c->conn),
	    c->words->timeout_ms / 2, on_dialled, c);
}

static void
begin(void *arg, struct asked_conn *conn)
{
	struct conn	*c = xcalloc(1, sizeof(*c));

	c->conn = conn;
	c->words = arg;
	c->fd = -1;
	asked_conn_set(conn, c);
	try_next(c);
}

/* --- what comes */

/* An answer to what is under way; false: look no further. */
static bool
take_message(struct conn *c, LDAPMessage *msg, int type)
{
	char	 why[ASKED_WHY_MAX];

	if (c->state == ASKING && type == LDAP_RES_SEARCH_ENTRY) {
		ldap_take_entry(c->ld, msg, c->words, &c->gathered);
		return true;
	}
	if (c->state == ASKING && type == LDAP_RES_SEARCH_RESULT)
		take_end(c, msg);
	else if (c->state == ASKING && type == LDAP_RES_BIND)
		take_proof(c, msg);
	else if (c->state == STARTING_TLS && type == LDAP_RES_EXTENDED) {
		if (ldap_take_result(c->ld, msg, "StartTLS", why) == 0)
			handshake(c);
		else
			failed(c, why);
	} else if (c->state == BINDING && type == LDAP_RES_BIND) {
		if (ldap_take_result(c->ld, msg, "the login", why) == 0)
			is_up(c);
		else
			failed(c, why);
	} else
		return true;	/* a reference elsewhere: not followed */
	return false;
}

static void
on_ready(void *arg, int what)
{
	struct conn	*c = arg;
	struct timeval	 now = { 0 };
	LDAPMessage	*msg = NULL;
	bool		 more = true;
	int		 type;

	(void)what;
	while (more) {
		type = ldap_result(c->ld, c->state == IDLE ? LDAP_RES_ANY :
		    c->msgid, LDAP_MSG_ONE, &now, &msg);
		if (type == 0)
			return;
		if (type == -1) {
			failed_ldap(c, "the connection is lost");
			return;
		}
		more = take_message(c, msg, type);
		ldap_msgfree(msg);
	}
}

const struct asked_driver asked_driver_ldap = {
	.name = "ldap",
	.open = table_open,
	.close = table_close,
	.connect = begin,
	.ask = ask_text,
	.disconnect = disconnect,
};
