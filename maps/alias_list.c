/*
 * alias_list.c - the right side of an alias, taken apart.
 */
#include "config.h"

#include "mail/address_list.h"
#include "maps/alias_list.h"
#include "maps/map_int.h"

static enum alias_list_result
bad(struct alias_list *l, const char *why)
{
	l->why = why;
	return ALIAS_LIST_BAD;
}

/* What follows cannot be told from this one. */
static enum alias_list_result
bad_rest(struct alias_list *l, struct span *text, const char *why)
{
	*text = map_trim(l->left);
	l->left = SPAN_NONE;
	return bad(l, why);
}

/* Past blanks and comments, and commas where they may stand; false: bad. */
static bool
skip(struct alias_list *l, bool commas)
{
	size_t	 n;

	while (l->left.n > 0) {
		if (map_is_blank(l->left.p[0]) ||
		    (commas && l->left.p[0] == ','))
			n = 1;
		else if (l->left.p[0] != '(')
			return true;
		else if ((n = address_comment_size(l->left)) == 0) {
			l->at = l->left.p;
			return false;
		}
		l->left = span_from(l->left, n);
	}
	return true;
}

/* Up to a comma or a comment; false: quotes that do not end. */
static bool
item_text(struct alias_list *l, struct span *out)
{
	size_t	 i = 0, n;

	while (i < l->left.n && l->left.p[i] != ',' && l->left.p[i] != '(') {
		n = l->left.p[i] == '\\' && i + 1 < l->left.n ? 2 : 1;
		if (l->left.p[i] == '"' &&
		    (n = address_quoted_size(span_from(l->left, i))) == 0)
			return false;
		i += n;
	}
	*out = map_trim(span_mem(l->left.p, i));
	l->left = span_from(l->left, i);
	return true;
}

/* "Name <address>": the octets of the address; another text stays. */
static struct span
without_name(struct alias_list *l, struct span s)
{
	struct address_list	 list = { .body = s,
	    .flags = ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK };
	struct address_item	 item;
	size_t			 end;

	if (s.n == 0 || s.p[s.n - 1] != '>' || address_list_next(&list,
	    l->scratch, &item) != ADDRESS_LIST_ITEM || list.pos < s.n)
		return s;
	end = item.domain.at + item.domain.n;
	return span_mem(s.p + item.local.at, end - item.local.at);
}

static enum alias_list_result
include_item(struct alias_list *l, enum alias_item *kind, struct span *text)
{
	*kind = ALIAS_INCLUDE;
	*text = map_trim(span_from(*text, sizeof(":include:") - 1));
	if (text->n == 0 || memchr(text->p, '\0', text->n) != NULL)
		return bad(l, "the file is missing: :include:path");
	return ALIAS_LIST_ITEM;
}

static enum alias_list_result
address_item(struct alias_list *l, enum alias_item *kind, struct span *text)
{
	struct address	 ad;
	const char	*why;

	*kind = ALIAS_ADDRESS;
	if (text->n > 0 && text->p[0] == '\\') {
		*kind = ALIAS_MAILBOX;
		*text = span_from(*text, 1);
	}
	arena_reset(l->scratch);
	*text = without_name(l, *text);
	if (address_parse(*text, ADDRESS_BARE_LOCAL_OK | ADDRESS_UTF8_OK,
	    l->scratch, &ad, &why) == -1)
		return bad(l, why);
	return ALIAS_LIST_ITEM;
}

/* What a command or file begins with, behind quotes too. */
static char
first_of(struct span s)
{
	size_t	 i = 0;

	while (i < s.n && (s.p[i] == '"' || map_is_blank(s.p[i])))
		i++;
	return i < s.n ? s.p[i] : '\0';
}

/* Quotes go, and of each backslash what is behind it stays (sendmail's flag `s`). */
static struct span
without_quotes(struct span s, struct arena *scratch)
{
	char	*p;
	size_t	 i, n = 0;

	if (span_index(s, '"') < 0 && span_index(s, '\\') < 0)
		return s;
	p = arena_alloc(scratch, s.n + 1);
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			continue;
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		p[n++] = s.p[i];
	}
	return map_trim(span_mem(p, n));
}

/* "|command", |"command", /file */
static enum alias_list_result
other_item(struct alias_list *l, enum alias_item *kind, struct span *text)
{
	struct span	 s;

	arena_reset(l->scratch);
	s = without_quotes(*text, l->scratch);
	*kind = ALIAS_FILE;
	if (s.n > 0 && s.p[0] == '|') {
		*kind = ALIAS_COMMAND;
		s = map_trim(span_from(s, 1));
		if (s.n == 0)
			return bad(l, "the command is missing: |command");
	}
	if (memchr(s.p, '\0', s.n) != NULL)
		return bad(l, "an octet 0 is in no command or file");
	*text = s;
	return ALIAS_LIST_ITEM;
}

/* A quoted member may be an include; an address keeps its quotes. */
static struct span
unquoted(struct span s)
{
	struct span	 inner;

	if (s.n < 3 || s.p[0] != '"' || address_quoted_size(s) != s.n)
		return s;
	inner = map_trim(span_mem(s.p + 1, s.n - 2));
	return inner.n > 0 && inner.p[0] == ':' ? inner : s;
}

/* `"/a b"@host` is an address, however it begins. */
static bool
is_other(struct span text)
{
	char	 c = first_of(text);

	if (c != '|' && c != '/')
		return false;
	return text.p[0] != '"' || address_quoted_size(text) == text.n;
}

static enum alias_list_result
classify(struct alias_list *l, enum alias_item *kind, struct span *text)
{
	*text = unquoted(*text);
	if (span_iprefix(*text, SPAN(":include:")))
		return include_item(l, kind, text);
	if (text->n > 0 && text->p[0] == ':')
		return bad(l, "of the words between colons only "
		    "':include:' is known");
	if (is_other(*text))
		return other_item(l, kind, text);
	return address_item(l, kind, text);
}

/* Up to the next comma, which follows a comment. */
static enum alias_list_result
no_comma(struct alias_list *l)
{
	struct span	 ignored;

	while (l->left.n > 0 && l->left.p[0] != ',')
		if (!skip(l, false) || !item_text(l, &ignored)) {
			l->left = SPAN_NONE;
			break;
		}
	return bad(l, "a comma is missing behind the comment");
}

enum alias_list_result
alias_list_next(struct alias_list *l, enum alias_item *kind, struct span *text)
{
	static const char	 comment[] =
	    "a comment does not end: ')' is missing";

	*kind = ALIAS_BAD;
	if (!skip(l, true))
		return bad_rest(l, text, comment);
	if (l->left.n == 0)
		return ALIAS_LIST_END;
	l->at = l->left.p;
	if (!item_text(l, text))
		return bad_rest(l, text, "the quotes do not end");
	if (!skip(l, false))
		return bad_rest(l, text, comment);
	if (l->left.n > 0 && l->left.p[0] != ',')
		return no_comma(l);
	return classify(l, kind, text);
}
