/*
 * way.c - TLS and login of an attempt; way.h.
 */
#include "mta/queue/queue.h"
#include "mta/queue/way.h"

#include "base/json.h"
#include "mta/msg/relayed.h"

/* --- answers */

void
way_answer(struct json *j, const struct answer *an)
{
	struct span	line = an->tls, key, value;
	char		name[RELAYED_KEY_MAX + 1];

	if (line.n == 0) {
		json_null(j, "tls");
	} else {
		json_object(j, "tls");
		while (relayed_tls_next(&line, &key, &value)) {
			memcpy(name, key.p, key.n);
			name[key.n] = '\0';
			json_text(j, name, value);
		}
		json_object_end(j);
	}
	if (an->login.n > 0)
		json_text(j, "login", an->login);
	else
		json_null(j, "login");
}

/* --- the status log */

bool
way_record(const struct message *m, const struct dest *d,
    const struct answer *an, struct record *r)
{
	if (an->tls.n == 0 && an->login.n == 0)
		return false;
	*r = (struct record){ .type = REC_WAY, .qid = m->qid, .rcpt = d->rcpt,
	    .sub = d->sub, .tls = an->tls, .login = an->login };
	return true;
}

void
way_replay(struct dest *d, const struct record *r)
{
	struct answer	an;

	if (!dest_answer(d, &an))
		return;
	an.tls = r->tls;
	an.login = r->login;
	dest_set_answer(d, &an);
}
