/*
 * account_secret.c - the forms of secrets.
 *
 * Only the form is looked at: neither libcrypt nor a key is needed to say that
 * a line has been cut or that a scheme is unknown.
 */
#include "config.h"

#include "maps/account.h"

static const struct {
	const char		*word;
	enum account_form	 form;
	struct span		 begins;
} schemes[ACCOUNT_NSCHEMES] = {
#define SCHEME(id, word, form, begins, meaning) \
	{ word, ACCOUNT_FORM_##form, { begins, sizeof(begins) - 1 } },
#include "maps/schemes.def"
#undef SCHEME
};

const char *
account_scheme_name(enum account_scheme s)
{
	return schemes[s].word;
}

enum account_form
account_scheme_form(enum account_scheme s)
{
	return schemes[s].form;
}

bool
account_scheme_find(struct span name, enum account_scheme *out)
{
	size_t	 i;

	for (i = 0; i < ACCOUNT_NSCHEMES; i++)
		if (span_ieq(name, span_of(schemes[i].word))) {
			*out = (enum account_scheme)i;
			return true;
		}
	return false;
}

/* --- crypt(3) */

/* Each method's prefix, and the characters of its hash at the end. */
static const struct method {
	struct span	 prefix;
	size_t		 hash;
	bool		 weak;
} methods[] = {
	{ { "$y$", 3 }, 43, false },	/* yescrypt */
	{ { "$gy$", 4 }, 43, false },	/* gost-yescrypt */
	{ { "$7$", 3 }, 43, false },	/* scrypt */
	{ { "$2a$", 4 }, 53, false },	/* bcrypt: salt and hash in one */
	{ { "$2b$", 4 }, 53, false },
	{ { "$2x$", 4 }, 53, false },
	{ { "$2y$", 4 }, 53, false },
	{ { "$6$", 3 }, 86, false },	/* SHA-512 */
	{ { "$5$", 3 }, 43, false },	/* SHA-256 */
	{ { "$sha1$", 6 }, 28, true },
	{ { "$md5$", 5 }, 22, true },	/* of SunOS */
	{ { "$md5,", 5 }, 22, true },
	{ { "$1$", 3 }, 22, true },	/* MD5 of BSD */
	{ { "$3$$", 4 }, 32, true },	/* of Windows NT */
};

/* Letters, digits, '.', '/': a salt and a hash; others between them. */
static bool
is_hash_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '/';
}

static size_t
hash_chars_at_end(struct span s)
{
	size_t	 n = 0;

	while (n < s.n && is_hash_char(s.p[s.n - 1 - n]))
		n++;
	return n;
}

static bool
all_printable(struct span s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == ':' ||
		    s.p[i] == '*' || s.p[i] == '!' || s.p[i] == '\\')
			return false;
	return true;
}

static const struct method *
method_of(struct span text)
{
	size_t	 i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (span_prefix(text, methods[i].prefix))
			return &methods[i];
	return NULL;
}

/* Without '$': DES, 13 characters, or '_' and 19 of them. */
static const char *
traditional_fault(struct span text, const char **weak)
{
	bool	 extended = text.n == 20 && text.p[0] == '_';

	*weak = "a hash of DES: it can be guessed in minutes";
	if (extended || text.n == 13)
		text = span_from(text, extended);
	else
		return "no hash that crypt(3) makes; was it cut?";
	return hash_chars_at_end(text) == text.n ? NULL :
	    "no hash that crypt(3) makes";
}

static const char *
crypt_fault(enum account_scheme s, struct span text, const char **weak)
{
	const struct method	*m;

	if (!span_prefix(text, schemes[s].begins))
		return "the hash behind it is of another scheme";
	if (text.n == 0 || text.p[0] != '$')
		return traditional_fault(text, weak);
	if ((m = method_of(text)) == NULL)
		return "no method of crypt(3) begins so";
	if (!all_printable(text))
		return "a hash of crypt(3) has no such character";
	if (text.n < m->prefix.n + m->hash ||
	    hash_chars_at_end(span_from(text, m->prefix.n)) < m->hash)
		return "the hash is shorter than its method makes them; was "
		    "it cut?";
	if (m->weak)
		*weak = "an old method that can be guessed fast: let the "
		    "password be set anew";
	return NULL;
}

/* --- base64 */

static bool
is_base64_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* The octets that it stands for (RFC 4648, 4); 0: it is no base64. */
static size_t
base64_octets(struct span s)
{
	size_t	 pad = 0, i;

	if (s.n == 0 || s.n % 4 != 0)
		return 0;
	while (pad < 2 && s.p[s.n - 1 - pad] == '=')
		pad++;
	for (i = 0; i < s.n - pad; i++)
		if (!is_base64_char(s.p[i]))
			return 0;
	return s.n / 4 * 3 - pad;
}

/* --- SCRAM, as RFC 5803 has the parts and Dovecot writes them */

#define SALT_MAX	256	/* octets */

/* Up to the comma, which is taken too. */
static bool
take_field(struct span *s, struct span *field)
{
	ptrdiff_t	 comma = span_index(*s, ',');

	if (comma < 0)
		return false;
	*field = span_mem(s->p, (size_t)comma);
	*s = span_from(*s, (size_t)comma + 1);
	return true;
}

bool
account_scram_parse(enum account_scheme s, struct span text,
    struct account_scram *out)
{
	size_t		 key = s == ACCOUNT_SCRAM_SHA_1 ? 20 : 32, salt;
	struct span	 count;
	uint64_t	 n;

	if (!take_field(&text, &count) || !take_field(&text, &out->salt) ||
	    !take_field(&text, &out->stored_key))
		return false;
	out->server_key = text;
	if (!span_u64(count, SCRAM_ITERATIONS_MAX, &n) || n == 0)
		return false;
	out->iterations = (uint32_t)n;
	salt = base64_octets(out->salt);
	return salt > 0 && salt <= SALT_MAX &&
	    base64_octets(out->stored_key) == key &&
	    base64_octets(out->server_key) == key;
}

static const char *
scram_fault(enum account_scheme s, struct span text, const char **weak)
{
	struct account_scram	 scram;

	if (!account_scram_parse(s, text, &scram))
		return "it is made so: iterations,salt,StoredKey,ServerKey, "
		    "the last three in base64";
	if (scram.iterations < SCRAM_ITERATIONS_LEAST)
		*weak = "fewer than 4096 iterations (RFC 5802, 5.1)";
	return NULL;
}

/* --- */

#define SHA1_OCTETS	20

static const char *
salted_fault(struct span text, const char **weak)
{
	size_t	 n = base64_octets(text);

	if (n <= SHA1_OCTETS || n > SHA1_OCTETS + SALT_MAX)
		return "it is the base64 of 20 octets of SHA-1 and a salt";
	*weak = "one round of SHA-1 can be guessed fast: let the password be "
	    "set anew";
	return NULL;
}

const char *
account_secret_fault(enum account_scheme s, struct span text,
    const char **weak)
{
	*weak = NULL;
	switch (schemes[s].form) {
	case ACCOUNT_FORM_CRYPT:
		return crypt_fault(s, text, weak);
	case ACCOUNT_FORM_SCRAM:
		return scram_fault(s, text, weak);
	case ACCOUNT_FORM_SALTED:
		return salted_fault(text, weak);
	case ACCOUNT_FORM_PLAIN:
		break;
	}
	*weak = "the password stands there as it is; `waybill user passwd` "
	    "puts a hash in its place";
	return text.n > 0 ? NULL : "the password is missing";
}
