/*
 * logins_fuzz.c - the messages between who asks for a login and auth, and
 * between relay and credentials: any octets of any of their types; what is
 * read fits what may be written.
 */
#include "config.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "mta/msg/auth.h"
#include "mta/msg/login.h"
#include "mta/msg/msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct msg
message(unsigned type, const uint8_t *data, size_t n)
{
	return (struct msg){ .type = (uint16_t)type,
	    .left = span_mem(data, n), .fd = -1 };
}

static void
check_question(struct msg m)
{
	struct auth_question	 q;
	uint64_t		 ticket;

	if (auth_question_read(&m, &ticket, &q))
		assert(auth_question_fits(&q) && q.ask < AUTH_NASKS);
}

static void
check_verdict(struct msg m)
{
	struct auth_verdict	 v;
	uint64_t		 ticket;

	if (auth_verdict_read(&m, &ticket, &v))
		assert(v.result <= AUTH_SLOW && v.nsalt <= AUTH_SALT_MAX &&
		    v.nsignature <= AUTH_KEY_MAX &&
		    strlen(v.user) <= AUTH_USER_MAX &&
		    strlen(v.which) <= AUTH_WHICH_MAX);
}

static void
check_offers(struct msg m)
{
	static struct auth_offer	 o[AUTH_OFFERS_MAX];
	int				 n = auth_offers_read(&m, o), i;

	for (i = 0; i < n; i++)
		assert(o[i].map.n <= AUTH_MAP_MAX);
}

/* Of relay, about a login at a next hop. */
static void
check_login(struct msg m)
{
	struct login_ask	 a;
	struct span		 octets, status, text;
	struct msg		 again = m, once_more = m;
	uint64_t		 ticket;
	unsigned		 code;

	if (login_ask_read(&m, &ticket, &a))
		assert(a.relay.n <= LOGIN_NAME_MAX &&
		    a.login.n <= LOGIN_LOGIN_MAX &&
		    a.facts.n <= LOGIN_FACTS_MAX &&
		    a.binding.n <= LOGIN_BINDING_MAX);
	if (login_challenge_read(&again, &ticket, &octets))
		assert(octets.n <= LOGIN_OCTETS_MAX);
	if (login_result_read(&once_more, &ticket, &code, &status, &text))
		assert(text.n <= LOGIN_TEXT_MAX);
}

/* The first octet says which message. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct msg	 m;

	if (n == 0)
		return 0;
	m = message(MSG_AUTH_VERIFY + data[0] % 9u, data + 1, n - 1);
	check_question(m);
	check_verdict(m);
	check_offers(m);
	check_login(m);
	return 0;
}
