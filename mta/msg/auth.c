/*
 * auth.c - the messages of logins, field by field.
 */
#include "mta/msg/auth.h"
#include "mta/msg/msg.h"

static const uint16_t	types[AUTH_NASKS] = {
	[AUTH_ASK_PASSWORD] = MSG_AUTH_VERIFY,
	[AUTH_ASK_SCRAM] = MSG_AUTH_SCRAM_WANTED,
	[AUTH_ASK_PROOF] = MSG_AUTH_PROOF,
	[AUTH_ASK_CRAM] = MSG_AUTH_CRAM,
	[AUTH_ASK_TOKEN] = MSG_AUTH_TOKEN,
	[AUTH_ASK_KNOWN] = MSG_AUTH_KNOWN
};

const char *
auth_result_name(enum auth_result r)
{
	static const char *const	 names[] = {
		[AUTH_RIGHT] = "right", [AUTH_WRONG] = "wrong",
		[AUTH_CANNOT] = "cannot", [AUTH_SLOW] = "slow"
	};

	return names[r];
}

struct span
auth_next_map(struct span *maps)
{
	ptrdiff_t	 comma = span_index(*maps, ',');
	struct span	 map = *maps;

	if (comma >= 0)
		map.n = (size_t)comma;
	*maps = span_from(*maps, map.n + (comma >= 0));
	return map;
}

/* --- questions */

static bool
has_hash(enum auth_ask a)
{
	return a == AUTH_ASK_SCRAM || a == AUTH_ASK_PROOF;
}

static bool
has_message(enum auth_ask a)
{
	return a == AUTH_ASK_PROOF || a == AUTH_ASK_CRAM;
}

/* Octets of the secret; 0: the question has none. */
static size_t
secret_max(enum auth_ask a)
{
	switch (a) {
	case AUTH_ASK_PASSWORD:
		return AUTH_PASSWORD_MAX;
	case AUTH_ASK_PROOF:
		return AUTH_KEY_MAX;
	case AUTH_ASK_CRAM:
		return AUTH_CRAM_OCTETS;
	case AUTH_ASK_TOKEN:
		return AUTH_TOKEN_MAX;
	default:
		return 0;
	}
}

bool
auth_question_fits(const struct auth_question *q)
{
	return q->map.n <= AUTH_MAP_MAX && q->user.n <= AUTH_USER_MAX &&
	    q->service.n <= AUTH_WORD_MAX && q->mechanism.n <= AUTH_WORD_MAX &&
	    (!has_message(q->ask) || q->message.n <= AUTH_MESSAGE_MAX) &&
	    (secret_max(q->ask) == 0 || q->secret.n <= secret_max(q->ask));
}

size_t
auth_question_octets(const struct auth_question *q)
{
	return q->map.n + q->user.n + q->service.n + q->mechanism.n +
	    q->message.n + q->secret.n;
}

void
auth_question_copy(struct auth_question *q, char *to)
{
	struct span *const	texts[] = { &q->map, &q->user, &q->service,
	    &q->mechanism, &q->message, &q->secret };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct span	*s = texts[i];

		if (s->n > 0)
			memcpy(to, s->p, s->n);
		s->p = to;
		to += s->n;
	}
}

bool
auth_question_put(struct chan *c, uint64_t ticket,
    const struct auth_question *q)
{
	if (!auth_question_fits(q))
		return false;
	chan_begin(c, types[q->ask]);
	chan_u64(c, ticket);
	chan_bytes(c, q->map);
	chan_bytes(c, q->user);
	chan_bytes(c, span_mem(q->client.a, q->client.family == 4 ? 4 :
	    q->client.family == 6 ? 16 : 0));
	chan_bytes(c, q->service);
	chan_bytes(c, q->mechanism);
	if (has_hash(q->ask))
		chan_u8(c, (uint8_t)q->hash);
	if (has_message(q->ask))
		chan_bytes(c, q->message);
	if (secret_max(q->ask) > 0)
		chan_bytes(c, q->secret);
	chan_end(c);
	return true;
}

static bool
ask_of(unsigned type, enum auth_ask *out)
{
	unsigned	 i;

	for (i = 0; i < AUTH_NASKS; i++)
		if (types[i] == type) {
			*out = (enum auth_ask)i;
			return true;
		}
	return false;
}

bool
auth_question_read(struct msg *m, uint64_t *ticket, struct auth_question *q)
{
	struct span	 ip;
	unsigned	 hash = AUTH_SHA_1;

	*q = (struct auth_question){ .ask = AUTH_ASK_KNOWN };
	if (!ask_of(m->type, &q->ask))
		return false;
	*ticket = msg_u64(m);
	q->map = msg_bytes(m, AUTH_MAP_MAX);
	q->user = msg_bytes(m, AUTH_USER_MAX);
	ip = msg_bytes(m, 16);
	q->service = msg_bytes(m, AUTH_WORD_MAX);
	q->mechanism = msg_bytes(m, AUTH_WORD_MAX);
	if (has_hash(q->ask))
		hash = msg_u8(m);
	if (has_message(q->ask))
		q->message = msg_bytes(m, AUTH_MESSAGE_MAX);
	if (secret_max(q->ask) > 0)
		q->secret = msg_bytes(m, secret_max(q->ask));
	q->client = ip_from_octets(ip.p, ip.n);
	q->hash = (enum auth_hash)hash;
	return msg_end(m) && hash <= AUTH_SHA_256 &&
	    (ip.n == 0 || q->client.family != 0);
}

/* --- answers */

void
auth_verdict_put(struct chan *c, uint64_t ticket, enum auth_ask ask,
    const struct auth_verdict *v)
{
	bool	 right = v->result == AUTH_RIGHT;

	chan_begin(c, ask == AUTH_ASK_SCRAM ? MSG_AUTH_SCRAM :
	    MSG_AUTH_VERDICT);
	chan_u64(c, ticket);
	chan_u8(c, (uint8_t)v->result);
	if (ask == AUTH_ASK_SCRAM) {
		chan_bytes(c, span_mem(v->salt, right ? v->nsalt : 0));
		chan_u32(c, v->iterations);
	} else {
		chan_str(c, right ? v->which : "");
		chan_str(c, right ? v->user : "");
		chan_bytes(c, span_mem(v->signature, right ?
		    v->nsignature : 0));
	}
	chan_end(c);
}

static void
keep(struct span s, void *out)
{
	if (s.n > 0)
		memcpy(out, s.p, s.n);
}

static void
keep_text(struct span s, char *out)
{
	keep(s, out);
	out[s.n] = '\0';
}

static bool
read_scram(struct msg *m, struct auth_verdict *v)
{
	struct span	 salt = msg_bytes(m, AUTH_SALT_MAX);

	v->iterations = msg_u32(m);
	if (!msg_end(m))
		return false;
	keep(salt, v->salt);
	v->nsalt = salt.n;
	return true;
}

static bool
read_verdict(struct msg *m, struct auth_verdict *v)
{
	struct span	 which = msg_bytes(m, AUTH_WHICH_MAX);
	struct span	 user = msg_bytes(m, AUTH_USER_MAX);
	struct span	 signature = msg_bytes(m, AUTH_KEY_MAX);

	if (!msg_end(m))
		return false;
	keep_text(which, v->which);
	keep_text(user, v->user);
	keep(signature, v->signature);
	v->nsignature = signature.n;
	return true;
}

bool
auth_verdict_read(struct msg *m, uint64_t *ticket, struct auth_verdict *v)
{
	unsigned	 result;

	*v = (struct auth_verdict){ .result = AUTH_CANNOT };
	if (m->type != MSG_AUTH_VERDICT && m->type != MSG_AUTH_SCRAM)
		return false;
	*ticket = msg_u64(m);
	result = msg_u8(m);
	if (result > AUTH_SLOW)
		return false;
	v->result = (enum auth_result)result;
	return m->type == MSG_AUTH_SCRAM ? read_scram(m, v) :
	    read_verdict(m, v);
}

/* --- offers */

void
auth_offers_put(struct chan *c, const struct auth_offer *o, size_t n)
{
	size_t	 i;

	if (n > AUTH_OFFERS_MAX)
		n = AUTH_OFFERS_MAX;
	chan_begin(c, MSG_AUTH_OFFERS);
	chan_u32(c, (uint32_t)n);
	for (i = 0; i < n; i++) {
		chan_bytes(c, o[i].map);
		chan_u32(c, o[i].offers.sane);
		chan_u32(c, o[i].offers.could);
	}
	chan_end(c);
}

int
auth_offers_read(struct msg *m, struct auth_offer out[AUTH_OFFERS_MAX])
{
	uint32_t	 n = msg_u32(m), i;

	if (m->type != MSG_AUTH_OFFERS || n > AUTH_OFFERS_MAX)
		return -1;
	for (i = 0; i < n; i++) {
		out[i].map = msg_bytes(m, AUTH_MAP_MAX);
		out[i].offers.sane = msg_u32(m);
		out[i].offers.could = msg_u32(m);
	}
	return msg_end(m) ? (int)n : -1;
}
