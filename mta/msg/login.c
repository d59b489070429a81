/*
 * login.c - the messages of a login as credentials reads and writes them.
 */
#include "mta/msg/login.h"

#include "mta/msg/msg.h"

bool
login_ask_read(struct msg *m, uint64_t *ticket, struct login_ask *a)
{
	*ticket = msg_u64(m);
	a->relay = msg_bytes(m, LOGIN_NAME_MAX);
	a->login = msg_bytes(m, LOGIN_LOGIN_MAX);
	a->host = msg_bytes(m, LOGIN_NAME_MAX);
	a->port = msg_u16(m);
	a->facts = msg_bytes(m, LOGIN_FACTS_MAX);
	a->mechanisms = msg_bytes(m, LOGIN_MECHANISMS_MAX);
	a->flags = msg_u8(m);
	a->binding = msg_bytes(m, LOGIN_BINDING_MAX);
	return msg_end(m);
}

bool
login_challenge_read(struct msg *m, uint64_t *ticket, struct span *octets)
{
	*ticket = msg_u64(m);
	*octets = msg_bytes(m, LOGIN_OCTETS_MAX);
	return msg_end(m);
}

bool
login_result_read(struct msg *m, uint64_t *ticket, unsigned *code,
    struct span *status, struct span *text)
{
	*ticket = msg_u64(m);
	*code = msg_u16(m);
	*status = msg_bytes(m, LOGIN_TEXT_MAX);
	*text = msg_bytes(m, LOGIN_TEXT_MAX);
	return msg_end(m);
}

void
login_step_put(struct chan *c, uint64_t ticket, const struct login_step *s)
{
	chan_begin(c, MSG_LOGIN_STEP);
	chan_u64(c, ticket);
	chan_u8(c, (uint8_t)s->say);
	chan_bytes(c, s->mechanism);
	chan_u8(c, s->has_octets);
	chan_bytes(c, s->octets);
	chan_end(c);
}

void
login_end_put(struct chan *c, uint64_t ticket, enum login_end end,
    struct span told)
{
	if (told.n > LOGIN_TEXT_MAX)
		told.n = LOGIN_TEXT_MAX;
	chan_begin(c, MSG_LOGIN_END);
	chan_u64(c, ticket);
	chan_u8(c, (uint8_t)end);
	chan_bytes(c, told);
	chan_end(c);
}
