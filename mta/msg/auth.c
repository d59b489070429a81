/*
 * auth.c - AUTH_VERIFY and AUTH_VERDICT.
 */
#include "mta/msg/auth.h"
#include "mta/msg/msg.h"

const char *
auth_result_name(enum auth_result r)
{
	static const char *const	 names[] = {
		[AUTH_RIGHT] = "right", [AUTH_WRONG] = "wrong",
		[AUTH_CANNOT] = "cannot"
	};

	return names[r];
}

bool
auth_ask(struct chan *c, uint64_t ticket, struct span map, struct span user,
    struct span password)
{
	if (map.n > AUTH_MAP_MAX || user.n > AUTH_USER_MAX ||
	    password.n > AUTH_PASSWORD_MAX)
		return false;
	chan_begin(c, MSG_AUTH_VERIFY);
	chan_u64(c, ticket);
	chan_bytes(c, map);
	chan_bytes(c, user);
	chan_bytes(c, password);
	chan_end(c);
	return true;
}

void
auth_answer(struct chan *c, uint64_t ticket, const struct auth_verdict *v)
{
	chan_begin(c, MSG_AUTH_VERDICT);
	chan_u64(c, ticket);
	chan_u8(c, (uint8_t)v->result);
	chan_str(c, v->result == AUTH_RIGHT ? v->which : "");
	chan_end(c);
}

bool
auth_read(struct msg *m, uint64_t *ticket, struct auth_verdict *v)
{
	unsigned	 result;
	struct span	 which;

	*ticket = msg_u64(m);
	result = msg_u8(m);
	which = msg_bytes(m, AUTH_WHICH_MAX);
	if (!msg_end(m) || result > AUTH_CANNOT)
		return false;
	v->result = (enum auth_result)result;
	if (which.n > 0)
		memcpy(v->which, which.p, which.n);
	v->which[which.n] = '\0';
	return true;
}
