/*
 * client_probe.c - what a session has seen of its hop; client_probe.h.
 */
#include "mta/relay/client_int.h"

#include "mta/relay/client_probe.h"

static void
tell_tls(const struct client *c, struct json *j)
{
	const struct client_tls		*t = &c->tls;
	enum tls_reached		 is = t->on ?
					    tls_connect_reached(t->conn) :
					    TLS_REACHED_CLEAR;

	json_object(j, "tls");
	json_str(j, "wanted", tls_level_name(t->want.level.level));
	json_str(j, "by", level_by_name(t->want.level.by));
	json_bool(j, "first", t->want.first);
	json_str(j, "reached", tls_reached_name(is));
	if (t->on) {
		json_str(j, "version", tls_connect_version(t->conn));
		json_str(j, "cipher", tls_connect_cipher(t->conn));
		json_bool(j, "resumed", tls_connect_resumed(t->conn));
	}
	if (is == TLS_REACHED_ENCRYPTED)
		json_str(j, "unverified", tls_connect_unverified(t->conn));
	if (t->class != TLS_CLASS_NONE)
		json_str(j, "class", tls_class_name(t->class));
	if (t->why[0] != '\0')
		json_str(j, "why", t->why);
	json_object_end(j);
}

static void
tell_words(struct json *j, const char *key, struct span list)
{
	struct span	word;
	ptrdiff_t	at;

	json_array(j, key);
	for (list = span_trim(list); list.n > 0; list = span_trim(
	    span_from(list, word.n))) {
		at = span_index(list, ' ');
		word = span_mem(list.p, at < 0 ? list.n : (size_t)at);
		json_text(j, NULL, word);
	}
	json_array_end(j);
}

static void
tell_extensions(const struct ehlo *e, struct json *j)
{
	const struct {
		bool		 has;
		const char	*word;
	} all[] = {
		{ e->pipelining, "PIPELINING" }, { e->size, "SIZE" },
		{ e->eightbitmime, "8BITMIME" }, { e->smtputf8, "SMTPUTF8" },
		{ e->enhanced, "ENHANCEDSTATUSCODES" }, { e->dsn, "DSN" },
		{ e->chunking, "CHUNKING" }, { e->binarymime, "BINARYMIME" },
		{ e->deliverby, "DELIVERBY" },
		{ e->requiretls, "REQUIRETLS" }, { e->starttls, "STARTTLS" },
		{ e->auth[0] != '\0', "AUTH" },
	};
	size_t	i;

	json_array(j, "extensions");
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].has)
			json_str(j, NULL, all[i].word);
	json_array_end(j);
	if (e->size_max > 0)
		json_uint(j, "size_max", e->size_max);
}

/* Of those that were tried the last one, when the hop has taken it. */
static void
tell_login(const struct client *c, bool accepted, struct json *j)
{
	struct span	tried = buf_span(&c->auth.tried), refused = tried;

	json_object(j, "login");
	json_bool(j, "wanted", c->auth.logins != NULL);
	tell_words(j, "offered", span_of(c->ext.auth));
	tell_words(j, "tried", tried);
	if (accepted)
		while (refused.n > 0 && refused.p[refused.n - 1] != ' ')
			refused.n--;
	tell_words(j, "refused", refused);
	json_bool(j, "accepted", accepted);
	if (c->auth.told.n > 0)
		json_text(j, "told", buf_span(&c->auth.told));
	json_object_end(j);
}

void
client_probe_tell(const struct client *c, struct json *j)
{
	bool	ready = c->state == IDLE;

	json_str(j, "mta", c->mta);
	json_str(j, "greeting", c->greeted);
	tell_tls(c, j);
	tell_extensions(&c->ext, j);
	tell_login(c, ready && c->auth.logins != NULL, j);
}
