/*
 * redis_command.c - a redis command as words with templates in them.
 */
#include "base/buf.h"
#include "maps/asked/redis_command.h"

/* Commands that only read, and answer once. */
static const struct {
	const char		*word;
	enum redis_shape	 shape;
} commands[] = {
	{ "GET", REDIS_VALUES }, { "MGET", REDIS_VALUES },
	{ "HGET", REDIS_VALUES }, { "HMGET", REDIS_COLUMNS },
	{ "HGETALL", REDIS_PAIRS }, { "HVALS", REDIS_VALUES },
	{ "HKEYS", REDIS_VALUES }, { "HEXISTS", REDIS_MEMBER },
	{ "SMEMBERS", REDIS_VALUES }, { "SUNION", REDIS_VALUES },
	{ "SINTER", REDIS_VALUES }, { "SDIFF", REDIS_VALUES },
	{ "SISMEMBER", REDIS_MEMBER }, { "EXISTS", REDIS_MEMBER },
	{ "LRANGE", REDIS_VALUES }, { "LINDEX", REDIS_VALUES },
	{ "ZRANGE", REDIS_VALUES }, { "ZREVRANGE", REDIS_VALUES },
	{ "ZSCORE", REDIS_VALUES }, { "GETRANGE", REDIS_VALUES },
	{ "EVAL_RO", REDIS_VALUES }, { "EVALSHA_RO", REDIS_VALUES },
	{ "FCALL_RO", REDIS_VALUES },
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * The next word without its quotes, into out: 1, or 0 at the end, or -1: a
 * quote is not closed.
 */
static int
next_word(struct span *s, struct buf *out)
{
	char	 quote = '\0';

	buf_reset(out);
	while (s->n > 0 && is_blank(s->p[0]))
		*s = span_from(*s, 1);
	if (s->n == 0)
		return 0;
	for (; s->n > 0 && (quote != '\0' || !is_blank(s->p[0]));
	    *s = span_from(*s, 1)) {
		if (quote == '\0' && (s->p[0] == '"' || s->p[0] == '\''))
			quote = s->p[0];
		else if (quote != '\0' && s->p[0] == quote)
			quote = '\0';
		else
			buf_add_char(out, s->p[0]);
	}
	return quote == '\0' ? 1 : -1;
}

static int
set_shape(struct redis_command *cmd, const char **why)
{
	const struct asked_template	*t = &cmd->words[0];
	size_t				 i;

	for (i = 0; cmd->n > 0 && t->n == 1 && t->parts[0].is ==
	    ASKED_LITERAL && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!span_ieq(t->parts[0].text, span_of(commands[i].word)))
			continue;
		cmd->shape = commands[i].shape;
		return 0;
	}
	*why = "the query is no command that only reads, as GET, HGET, "
	    "HGETALL, HMGET, MGET, SMEMBERS, SISMEMBER, EXISTS, LRANGE, "
	    "ZSCORE, EVAL_RO, FCALL_RO";
	return -1;
}

static int
add_words(struct redis_command *cmd, struct span query, struct buf *word,
    const char **why)
{
	int	 rc;

	while ((rc = next_word(&query, word)) == 1) {
		if (cmd->n == REDIS_WORDS_MAX) {
			*why = "the query has more than 16 words";
			return -1;
		}
		if (asked_template_init(&cmd->words[cmd->n], buf_span(word),
		    why) == -1)
			return -1;
		cmd->n++;
	}
	if (rc == -1)
		*why = "a quote in the query is not closed";
	return rc == -1 ? -1 : set_shape(cmd, why);
}

int
redis_command_init(struct redis_command *cmd, struct span query,
    const char **why)
{
	struct buf	 word = { 0 };
	int		 rc;

	*cmd = (struct redis_command){ 0 };
	rc = add_words(cmd, query, &word, why);
	buf_clear(&word);
	if (rc == -1)
		redis_command_clear(cmd);
	return rc;
}

void
redis_command_clear(struct redis_command *cmd)
{
	size_t	 i;

	for (i = 0; i < cmd->n; i++)
		asked_template_clear(&cmd->words[i]);
	*cmd = (struct redis_command){ 0 };
}

size_t
redis_command_fill(const struct redis_command *cmd, struct span key,
    struct arena *arena, const char *argv[REDIS_WORDS_MAX],
    size_t lengths[REDIS_WORDS_MAX])
{
	struct buf	 word = { 0 };
	struct span	 copy;
	size_t		 i, j;

	for (i = 0; i < cmd->n; i++) {
		buf_reset(&word);
		for (j = 0; j < cmd->words[i].n; j++)
			buf_add_span(&word, asked_part_value(
			    &cmd->words[i].parts[j], key));
		copy = arena_span(arena, buf_span(&word));
		argv[i] = copy.p;
		lengths[i] = copy.n;
	}
	buf_clear(&word);
	return cmd->n;
}
