/*
 * asked_words_fuzz.c - any query with any key: what a key puts into a question
 * never changes the question's form.
 *
 * The first line is what the policy says, the rest is the key.
 */
#include "config.h"

#include <assert.h>

#include "base/buf.h"
#include "maps/asked/dial.h"
#include "maps/asked/sql.h"
#if WITH_LDAP
#include "maps/asked/ldap_int.h"
#endif
#if WITH_REDIS
#include "maps/asked/redis_command.h"
#endif

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
try_place(struct span text)
{
	struct asked_place	 p;
	const char		*why = NULL;

	if (asked_place_parse(text, 25, &p, &why) == 0) {
		assert((p.path != NULL) != (p.host != NULL));
		assert(p.path != NULL || p.port > 0);
	} else
		assert(why != NULL);
	asked_place_clear(&p);
}

static void
try_sql(struct span text)
{
	struct asked_sql	 sql;
	const char		*why = NULL;

	if (asked_sql_init(&sql, text, '$', &why) == 0)
		assert(sql.n <= ASKED_PARTS_MAX);
	else
		assert(why != NULL);
	asked_sql_clear(&sql);
}

#if WITH_LDAP
/* What a key becomes has none of the octets that mean something. */
static void
try_ldap(struct span text, struct span key)
{
	struct asked_template	 t;
	struct buf		 out = { 0 };
	const char		*why;
	size_t			 i;

	if (asked_template_init(&t, SPAN("{key}"), &why) == 0) {
		ldap_fill(&t, key, &out);
		for (i = 0; i < out.n; i++)
			assert(strchr("*()=,+<>#;\" \"", out.base[out.off + i])
			    == NULL);
		asked_template_clear(&t);
	}
	buf_reset(&out);
	if (asked_template_init(&t, text, &why) == 0) {
		ldap_fill(&t, key, &out);
		asked_template_clear(&t);
	}
	buf_clear(&out);
}
#endif

#if WITH_REDIS
/* There are as many words as without a key. */
static void
try_redis(struct span text, struct span key)
{
	struct redis_command	 cmd;
	struct arena		 arena = { 0 };
	const char		*argv[REDIS_WORDS_MAX], *why = NULL;
	size_t			 lengths[REDIS_WORDS_MAX], n;

	if (redis_command_init(&cmd, text, &why) == -1) {
		assert(why != NULL);
		return;
	}
	n = redis_command_fill(&cmd, SPAN("k"), &arena, argv, lengths);
	assert(redis_command_fill(&cmd, key, &arena, argv, lengths) == n);
	assert(n >= 1 && n == cmd.n);
	redis_command_clear(&cmd);
	arena_clear(&arena);
}
#endif

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span	 text = span_mem(data, size), key = SPAN_NONE;
	ptrdiff_t	 end = span_index(text, '\n');

	if (size == 0)
		return 0;
	if (end >= 0) {
		key = span_from(text, (size_t)end + 1);
		text.n = (size_t)end;
	}
	if (text.n == 0)
		text = SPAN("");
	try_place(text);
	try_sql(text);
#if WITH_LDAP
	try_ldap(text, key);
#endif
#if WITH_REDIS
	try_redis(text, key);
#endif
	return 0;
}
