/*
 * scram.c - SCRAM-SHA-1 and SCRAM-SHA-256, bound to the channel or not (RFC
 * 5802, 7677; RFC 9266 and 5929 for what the channel is bound by).
 *
 *	client	n,,n=user,r=NONCE
 *	server	r=NONCE...,s=SALT,i=ITERATIONS	asked with SASL_SALT
 *	client	c=biws,r=NONCE...,p=PROOF
 *	server	v=SIGNATURE			asked with SASL_PROOF
 *	client	(nothing)
 *
 * The server's last message goes out as a challenge, since neither SMTP nor
 * POP3 says anything more with its success.  A failure ends the exchange
 * without one (RFC 5802, 5.1, e): every client understands the protocol's own
 * refusal, and few an "e=" in a challenge; sasl_why() is that text.
 */
#include "config.h"

#include "mta/sasl/base64.h"
#include "mta/sasl/sasl_int.h"
#include "mta/sasl/scram_text.h"

#define BOTH_PLUS \
	(SASL_BIT(SASL_SCRAM_SHA_1_PLUS) | SASL_BIT(SASL_SCRAM_SHA_256_PLUS))
#define PROOF_MAX	32	/* octets: SHA-256 */

enum step { FIRST, FINAL, END };

static bool
plus(const struct sasl *s)
{
	return (SASL_BIT(s->mech) & BOTH_PLUS) != 0;
}

static enum sasl_hash
hash(const struct sasl *s)
{
	return s->mech == SASL_SCRAM_SHA_1 ||
	    s->mech == SASL_SCRAM_SHA_1_PLUS ? SASL_SHA_1 : SASL_SHA_256;
}

static enum sasl_step
scram_start(struct sasl *s)
{
	return sasl_says(s, SPAN_NONE);
}

/* --- the channel */

/* What a binding of this name is made of; empty: not known, or not here. */
static struct span
binding_octets(const struct sasl *s, struct span name)
{
	if (span_eq(name, SPAN("tls-exporter")))
		return s->cx->exporter;
	if (span_eq(name, SPAN("tls-server-end-point")))
		return s->cx->end_point;
	return SPAN_NONE;
}

/* RFC 5802, 6: what the flag may be.  NULL, or the error. */
static const char *
flag_fault(const struct sasl *s, const struct scram_first *f)
{
	if (plus(s)) {
		if (f->flag != 'p')
			return "e=other-error";
		if (binding_octets(s, f->binding).n == 0)
			return "e=unsupported-channel-binding-type";
		return NULL;
	}
	if (f->flag == 'p')
		return "e=channel-binding-not-supported";
	/*
	 * It could have bound, and believes that we cannot: somebody between
	 * us has taken our offer away.
	 */
	if (f->flag == 'y' && (s->cx->offered & BOTH_PLUS) != 0)
		return "e=server-does-support-channel-binding";
	return NULL;
}

/* c= is the GS2 header and the channel's octets, and nothing else. */
static bool
bound(const struct sasl *s, struct span got)
{
	struct buf	octets = { 0 }, want = { 0 };
	bool		ok;

	buf_add_span(&octets, s->scram.gs2);
	if (s->scram.flag == 'p')
		buf_add_span(&octets, binding_octets(s, s->scram.binding));
	base64_add(&want, buf_span(&octets));
	ok = span_eq(buf_span(&want), got);
	buf_clear(&octets);
	buf_clear(&want);
	return ok;
}

/* --- the client's first message */

static enum sasl_step
first_heard(struct sasl *s, struct span in)
{
	struct scram_first	 f;
	const char		*why;

	if ((why = scram_first(in, &f)) != NULL)
		return sasl_fails(s, SASL_SYNTAX, why);
	if ((why = flag_fault(s, &f)) != NULL)
		return sasl_fails(s, SASL_WRONG, why);
	if (!scram_name(s, f.user, &s->scram.user) ||
	    (f.authzid.n > 0 && !scram_name(s, f.authzid, &s->authzid)))
		return sasl_fails(s, SASL_SYNTAX,
		    "e=invalid-username-encoding");
	s->scram.flag = f.flag;
	s->scram.binding = f.binding;
	s->scram.gs2 = f.gs2;
	s->scram.first = f.bare;
	s->scram.nonce = f.nonce;	/* so far */
	return sasl_asks(s, &(struct sasl_question){ .want = SASL_SALT,
	    .hash = hash(s), .user = s->scram.user });
}

/* The salt has come: server-first-message. */
static enum sasl_step
say_first(struct sasl *s, const struct sasl_told *t)
{
	struct buf	text = { 0 };
	struct span	ours = sasl_nonce(s);
	size_t		n = s->scram.nonce.n + ours.n;

	buf_add_str(&text, "r=");
	buf_add_span(&text, s->scram.nonce);
	buf_add_span(&text, ours);
	buf_add_str(&text, ",s=");
	base64_add(&text, t->salt);
	buf_addf(&text, ",i=%u", (unsigned)t->iterations);
	s->scram.server_first = sasl_keep(s, buf_span(&text));
	s->scram.nonce = span_mem(s->scram.server_first.p + 2, n);
	buf_clear(&text);
	s->step = FINAL;
	return sasl_says(s, s->scram.server_first);
}

/* --- its final one */

static struct span
auth_message(struct sasl *s, struct span without_proof)
{
	struct buf	text = { 0 };
	struct span	kept;

	buf_add_span(&text, s->scram.first);
	buf_add_char(&text, ',');
	buf_add_span(&text, s->scram.server_first);
	buf_add_char(&text, ',');
	buf_add_span(&text, without_proof);
	kept = sasl_keep(s, buf_span(&text));
	buf_clear(&text);
	return kept;
}

static enum sasl_step
final_heard(struct sasl *s, struct span in)
{
	struct sasl_question	 q = { .want = SASL_PROOF, .hash = hash(s),
				    .user = s->scram.user };
	struct scram_final	 f;
	const char		*why;
	char			*proof;
	size_t			 n;

	if ((why = scram_final(in, &f)) != NULL)
		return sasl_fails(s, SASL_SYNTAX, why);
	if (!bound(s, f.binding))
		return sasl_fails(s, SASL_WRONG,
		    "e=channel-bindings-dont-match");
	if (!span_eq(f.nonce, s->scram.nonce))
		return sasl_fails(s, SASL_WRONG, "e=other-error");
	proof = sasl_room(s, BASE64_OCTETS(f.proof.n));
	if (!base64_read(f.proof, proof, &n) ||
	    n != (q.hash == SASL_SHA_1 ? 20 : PROOF_MAX))
		return sasl_fails(s, SASL_SYNTAX, "e=invalid-encoding");
	q.secret = span_mem(proof, n);
	q.text = auth_message(s, f.without_proof);
	return sasl_asks(s, &q);
}

/* The proof was right: we prove that we know the user too. */
static enum sasl_step
say_final(struct sasl *s, const struct sasl_told *t)
{
	struct buf	text = { 0 };

	if (sasl_in(s, t) == SASL_FAILED)
		return SASL_FAILED;
	buf_add_str(&text, "v=");
	base64_add(&text, t->signature);
	s->say = sasl_keep(s, buf_span(&text));
	buf_clear(&text);
	s->step = END;
	return SASL_SAY;
}

static enum sasl_step
scram_heard(struct sasl *s, struct span in)
{
	switch ((enum step)s->step) {
	case FIRST:
		return first_heard(s, in);
	case FINAL:
		return final_heard(s, in);
	case END:
		break;
	}
	if (in.n > 0)
		return sasl_fails(s, SASL_SYNTAX,
		    "nothing follows the last message");
	return SASL_DONE;
}

static enum sasl_step
scram_right(struct sasl *s, const struct sasl_told *t)
{
	return s->step == FIRST ? say_first(s, t) : say_final(s, t);
}

static enum sasl_step
scram_wrong(struct sasl *s)
{
	return sasl_fails(s, SASL_WRONG, "e=invalid-proof");
}

const struct sasl_ops	sasl_scram = {
	.start = scram_start, .heard = scram_heard,
	.right = scram_right, .wrong = scram_wrong
};
