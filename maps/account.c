/*
 * account.c - an entry of an accounts table.
 */
#include "config.h"

#include "maps/account.h"

/* Names that have been there: of the columns, and of the apps. */
struct names {
	struct span	 v[ACCOUNT_COLUMNS_MAX];	/* apps have as many */
	size_t		 n;
};

struct parse {
	const struct account_reader	*r;
	struct names			 columns, apps;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = span_from(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static void
fault(const struct parse *p, enum account_fault f, const char *at,
    const char *what)
{
	if (p->r->fault != NULL)
		p->r->fault(p->r->arg, f, at, what);
}

static void
item(const struct parse *p, const struct account_item *i)
{
	if (p->r->item != NULL)
		p->r->item(p->r->arg, i);
}

/* The next word, without blanks; empty at the end. */
static struct span
take_word(struct span *s)
{
	struct span	 word = { .n = 0 };

	while (s->n > 0 && is_blank(s->p[0]))
		*s = span_from(*s, 1);
	word.p = s->p;
	while (word.n < s->n && !is_blank(s->p[word.n]))
		word.n++;
	*s = span_from(*s, word.n);
	return word;
}

/* --- names */

const char *
account_name_fault(struct span name)
{
	size_t	 i;

	if (name.n == 0 || name.p[0] == '{')
		return "the name of the account is missing";
	if (name.n > ACCOUNT_NAME_MAX)
		return "the name is longer than 1024 octets";
	for (i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f)
			return "a name has no blanks or control characters";
	return NULL;
}

const char *
account_app_fault(struct span name)
{
	size_t	 i;
	char	 c;

	if (name.n == 0 || name.n > ACCOUNT_WORD_MAX)
		return "an app has a name of 1 to 64 characters";
	for (i = 0; i < name.n; i++) {
		c = ascii_lower(name.p[i]);
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
		    (i == 0 || (c != '-' && c != '_' && c != '.')))
			return "the name of an app is made of letters, "
			    "digits, '-', '_' and '.'";
	}
	return NULL;
}

static bool
is_column_name(struct span name)
{
	size_t	 i;
	char	 c;

	for (i = 0; i < name.n; i++) {
		c = ascii_lower(name.p[i]);
		if ((c < 'a' || c > 'z') && (i == 0 || c != '_') &&
		    (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return name.n > 0 && name.n <= ACCOUNT_WORD_MAX;
}

/* All processes see columns. */
static bool
is_secret_name(struct span name)
{
	static const char *const	 words[] = {
		"password", "passwd", "pass", "passphrase", "pw", "secret",
		"hash", "pwhash", "password_hash", "crypt", "userpassword"
	};
	size_t				 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_ieq(name, span_of(words[i])))
			return true;
	return false;
}

const char *
account_column_fault(struct span name, struct span value)
{
	size_t	 i;

	if (!is_column_name(name))
		return "a column is `name=value`, its name of letters, "
		    "digits and '_'";
	if (is_secret_name(name))
		return "all processes see columns: a password is a secret "
		    "behind the account's name";
	for (i = 0; i < value.n; i++)
		if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') ||
		    value.p[i] == 0x7f)
			return "a column has no control characters";
	return NULL;
}

/* false: the name has been there, or there are too many. */
static bool
add_name(struct names *names, struct span name)
{
	size_t	 i;

	for (i = 0; i < names->n; i++)
		if (span_ieq(names->v[i], name))
			return false;
	if (names->n == ACCOUNT_COLUMNS_MAX)
		return false;
	names->v[names->n++] = name;
	return true;
}

/* --- secrets */

/* {SCHEME}text */
static void
one_secret(const struct parse *p, struct span word, struct span app)
{
	struct account_item	 i = { .part = ACCOUNT_SECRET, .name = app };
	ptrdiff_t		 close = span_index(word, '}');
	const char		*what, *weak;

	if (word.p[0] != '{' || close < 0) {
		fault(p, ACCOUNT_BAD_SECRET, word.p, "a secret is "
		    "{SCHEME}text without blanks, for example {CRYPT}$y$...");
		return;
	}
	i.value = span_from(word, (size_t)close + 1);
	if (!account_scheme_find(span_mem(word.p + 1, (size_t)close - 1),
	    &i.scheme)) {
		fault(p, ACCOUNT_BAD_SECRET, word.p + 1, "no such scheme; "
		    "there are CRYPT, YESCRYPT, BLF-CRYPT, SHA512-CRYPT, "
		    "SHA256-CRYPT, SCRAM-SHA-256, SCRAM-SHA-1, SSHA and "
		    "PLAIN");
		return;
	}
	what = account_secret_fault(i.scheme, i.value, &weak);
	if (what != NULL) {
		fault(p, ACCOUNT_BAD_SECRET, i.value.p, what);
		return;
	}
	if (weak != NULL)
		fault(p, ACCOUNT_WEAK, word.p, weak);
	item(p, &i);
}

/* As in passwd(5) and shadow(5): nobody can log in. */
bool
account_no_secret(struct span s)
{
	return s.n == 0 || (s.n == 1 &&
	    (s.p[0] == 'x' || s.p[0] == '*' || s.p[0] == '!'));
}

static void
secrets(const struct parse *p, struct span s, struct span app)
{
	struct span	 word;
	size_t		 n = 0;

	while ((word = take_word(&s)).n > 0) {
		if (++n > ACCOUNT_SECRETS_MAX) {
			fault(p, ACCOUNT_BAD_SECRET, word.p,
			    "more than 8 secrets of one account or app");
			return;
		}
		one_secret(p, word, app);
	}
}

static void
main_secrets(const struct parse *p, struct span s)
{
	s = trim(s);
	if (!account_no_secret(s))
		secrets(p, s, SPAN_NONE);
}

void
account_parse_secrets(struct span s, const struct account_reader *r)
{
	struct parse	 p = { .r = r };

	main_secrets(&p, s);
}

/* --- the lines below */

static bool
is_date(struct span s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (i == 4 || i == 7 ? s.p[i] != '-' :
		    s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n == 10;
}

/* app NAME [DATE] SECRET ... */
static void
app(struct parse *p, struct span line, struct span rest)
{
	struct account_item	 i = { .part = ACCOUNT_APP, .line = line };
	struct span		 after;
	const char		*what;

	i.name = take_word(&rest);
	if ((what = account_app_fault(i.name)) != NULL) {
		fault(p, ACCOUNT_BAD_SECRET, i.name.p, what);
		return;
	}
	if (!add_name(&p->apps, i.name)) {
		fault(p, ACCOUNT_BAD_SECRET, i.name.p, "an app of this name "
		    "stands above, or it is one of more than 64");
		return;
	}
	after = rest;
	i.value = take_word(&after);
	if (is_date(i.value))
		rest = after;
	else
		i.value = SPAN_NONE;
	if (trim(rest).n == 0)
		fault(p, ACCOUNT_BAD_SECRET, i.name.p,
		    "the secret of the app is missing");
	item(p, &i);
	secrets(p, rest, i.name);
}

static void
column(struct parse *p, struct span line, struct span text)
{
	struct account_item	 i = { .part = ACCOUNT_COLUMN, .line = line };
	ptrdiff_t		 eq = span_index(text, '=');
	const char		*what;

	if (eq < 0) {
		fault(p, ACCOUNT_BAD_ENTRY, text.p, "below an account stand "
		    "`name=value` and `app NAME {SCHEME}secret`");
		return;
	}
	i.name = trim(span_mem(text.p, (size_t)eq));
	i.value = trim(span_from(text, (size_t)eq + 1));
	if ((what = account_column_fault(i.name, i.value)) != NULL)
		fault(p, ACCOUNT_BAD_ENTRY, text.p, what);
	else if (!add_name(&p->columns, i.name))
		fault(p, ACCOUNT_BAD_ENTRY, text.p, "this column stands above "
		    "already, or it is one of more than 64");
	else
		item(p, &i);
}

static void
line_below(struct parse *p, struct span line)
{
	struct span	 text = trim(line), rest = text, word;

	if (text.n == 0)
		return;
	word = take_word(&rest);
	if (span_eq(word, SPAN("app")) && trim(rest).n > 0)
		app(p, line, rest);
	else
		column(p, line, text);
}

/* --- all of it */

/* With its '\n' where it has one. */
static struct span
take_line(struct span *s)
{
	ptrdiff_t	 lf = span_index(*s, '\n');
	struct span	 line = *s;

	if (lf >= 0)
		line.n = (size_t)lf + 1;
	*s = span_from(*s, line.n);
	return line;
}

const char *
account_parse(struct span raw, const struct account_reader *r,
    struct span *name, struct span *head)
{
	struct parse	 p = { .r = r };
	struct span	 first = take_line(&raw);
	ptrdiff_t	 colon = span_index(first, ':');
	const char	*what;

	if (colon < 0)
		return "a ':' is missing: name:{SCHEME}secret";
	*name = trim(span_mem(first.p, (size_t)colon));
	if ((what = account_name_fault(*name)) != NULL)
		return what;
	*head = span_from(first, (size_t)colon + 1);
	main_secrets(&p, *head);
	while (raw.n > 0)
		line_below(&p, take_line(&raw));
	return NULL;
}
