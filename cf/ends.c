/*
 * ends.c - where statements end.
 *
 * A line's end or ';' ends a statement.  A line goes on when it ends with a
 * comma, an opening bracket, '=', '=>', '->', a comparison or one of `and or
 * not in of matches like else`; when the next one begins with `and`, `or`,
 * `else`, '=>', ',' or a closing bracket; and everywhere inside ( ) and [ ].
 */
#include "cf/format.h"
#include "cf/include.h"
#include "cf/parser.h"

bool
cf_goes_on_after(int kind)
{
	switch (kind) {
	case ',': case T_HIDES_TOO: case '{': case '(': case '[': case '=': case '<': case '>':
	case T_ARROW: case T_GIVES: case T_EQ: case T_NE: case T_LE: case T_GE:
	case T_AND: case T_OR: case T_NOT: case T_IN: case T_OF:
	case T_MATCHES: case T_LIKE: case T_ELSE: case T_END:
	case T_BEGIN_POLICY: case T_BEGIN_OPTIONS:
		return true;
	}
	return false;
}

bool
cf_goes_on_before(int kind)
{
	switch (kind) {
	case T_AND: case T_OR: case T_ELSE: case T_ARROW: case ',':
	case ')': case ']': case '}':
		return true;
	}
	return false;
}

/* Its last line may lack its end; its blocks are closed in it. */
static void
end_of_include(struct cf_parser *p, struct cf_token *tok)
{
	if (p->braces > 0) {
		if (!p->in->scan.told)
			cf_error(p->cf, tok->loc, "the file ends here; a '}' "
			    "is missing");
		p->in->scan.told = true;
		p->in->scan.told_end = tok->loc.end;
		tok->kind = '}';
		return;
	}
	p->in = cf_input_close(p->in);
	p->brackets = 0;
	tok->kind = T_END;
}

static void
read_token(struct cf_parser *p, struct cf_token *tok)
{
	if (p->in->has_ahead) {
		*tok = p->in->ahead;
		p->in->has_ahead = false;
		return;
	}
	memset(tok, 0, sizeof(*tok));
	tok->kind = cf_scan_token(tok, &p->in->scan, p->in->scanner);
	if (tok->kind == 0 && p->in->outer != NULL)
		end_of_include(p, tok);
}

/* The next token; line ends become T_END where they end a statement. */
static void
next_end(struct cf_parser *p, struct cf_token *tok)
{
	struct cf_loc	 end;

	read_token(p, tok);
	if (tok->kind == ';')
		tok->kind = T_END;
	if (tok->kind == 0 && !cf_goes_on_after(p->last)) {
		/* The last line may lack its end. */
		p->in->ahead = *tok;
		p->in->has_ahead = true;
		tok->kind = T_END;
		return;
	}
	if (tok->kind != T_NEWLINE)
		return;
	end = tok->loc;
	while (tok->kind == T_NEWLINE)
		read_token(p, tok);
	if (tok->kind == T_END)
		return;
	if (p->brackets > 0 || cf_goes_on_after(p->last) ||
	    cf_goes_on_before(tok->kind) || tok->kind == ';' || tok->kind == 0) {
		if (tok->kind == ';' || tok->kind == 0) {
			p->in->ahead = *tok;
			p->in->has_ahead = true;
			next_end(p, tok);
		}
		return;
	}
	p->in->ahead = *tok;
	p->in->has_ahead = true;
	tok->kind = T_END;
	tok->loc = end;
	/* Nothing stands at a line's end: the mark goes behind what was last. */
	if (p->now.loc.end > 0)
		tok->loc.pos = p->now.loc.end;
	tok->loc.end = tok->loc.pos;
}

static void
count(struct cf_parser *p, int kind)
{
	p->braces_before = p->braces;
	switch (kind) {
	case '(': case '[':
		p->brackets++;
		break;
	case ')': case ']':
		p->brackets -= p->brackets > 0;
		break;
	case '{':
		p->braces++;
		p->brackets = 0;
		break;
	case '}':
		p->braces -= p->braces > 0;
		p->brackets = 0;
		break;
	}
}

/* Reads on to the end of the statement in which an error was. */
static void
skip(struct cf_parser *p, struct cf_token *tok)
{
	p->in->scan.quiet = true;
	p->brackets = 0;
	for (;;) {
		next_end(p, tok);
		if (tok->kind == 0 || (p->braces <= p->recover_to &&
		    (tok->kind == T_END || tok->kind == '}')))
			break;
		count(p, tok->kind);
		p->brackets = 0;
		p->last = tok->kind;
	}
	p->in->scan.quiet = false;
	p->recover = false;
}

/* At the front of a statement, which may be an include. */
static bool
at_statement(const struct cf_parser *p)
{
	return p->braces == 0 && p->in->source != NULL &&
	    (p->last == T_END || p->last == T_BEGIN_POLICY);
}

static bool
is_include(const struct cf_token *tok)
{
	return tok->kind == T_WORD && span_eq(tok->value.s, SPAN("include"));
}

/* Its path, and the end of the statement; false, reported: there is none. */
static bool
take_path(struct cf_parser *p, struct cf_loc word, struct cf_token *path)
{
	struct cf_token	 end;
	bool		 ok;

	next_end(p, path);
	ok = path->kind == T_TEXT;
	if (!ok)
		cf_error(p->cf, path->kind == T_END || path->kind == 0 ?
		    word : path->loc, "'include' wants a path here, as "
		    "in include \"conf.d/*.conf\"");
	end = *path;
	while (end.kind != T_END && end.kind != 0) {
		p->last = end.kind;
		next_end(p, &end);
		if (ok && end.kind != T_END && end.kind != 0) {
			cf_error(p->cf, end.loc, "a path is all that "
			    "'include' takes");
			ok = false;
		}
	}
	p->last = T_END;
	return ok;
}

/* `include "path"`, `allow include "folder"`: done; what follows is read. */
static void
take_includes(struct cf_parser *p, struct cf_token *tok)
{
	struct cf_token	 path;
	bool		 allow;

	while (at_statement(p)) {
		allow = tok->kind == T_ALLOW;
		if (allow) {
			p->last = T_ALLOW;
			next_end(p, tok);
		}
		if (!is_include(tok))
			return;
		p->last = T_WORD;
		if (take_path(p, tok->loc, &path) && allow)
			cf_include_allow(p->cf, path.value.s, path.loc);
		else if (path.kind == T_TEXT && !allow)
			cf_include(p, path.value.s, path.loc);
		next_end(p, tok);
	}
}

/*
 * The ',' between two extensions of `hide` is a token of its own.  Behind '=>'
 * what follows tells it from that between two actions; behind `expect` there
 * are none.
 */
static void
take_hidden(struct cf_parser *p, struct cf_token *tok)
{
	struct cf_token	 next;

	if (tok->kind == T_HIDE) {
		p->expecting = p->last == T_EXPECT || p->last == T_NOT;
		p->hiding = p->expecting || p->last == T_ARROW ||
		    p->last == ',';
	}
	if (tok->kind == T_END)
		p->hiding = false;
	if (!p->hiding || tok->kind != ',')
		return;
	if (p->expecting) {
		tok->kind = T_HIDES_TOO;
		return;
	}
	do
		read_token(p, &next);
	while (next.kind == T_NEWLINE);
	p->in->ahead = next;
	p->in->has_ahead = true;
	if (next.value.type == RS_T_TEXT &&
	    rs_extension_named(next.value.s) != RS_NEXTENSIONS) {
		tok->kind = T_HIDES_TOO;
	} else {
		p->hiding = false;
		p->hidden_end = tok->loc.end;
	}
}

void
cf_next_token(struct cf_parser *p, struct cf_token *tok)
{
	if (p->begin != 0) {
		memset(tok, 0, sizeof(*tok));
		tok->kind = p->begin;
		p->begin = 0;
	} else if (p->recover) {
		skip(p, tok);
	} else {
		next_end(p, tok);
		take_includes(p, tok);
		take_hidden(p, tok);
	}
	count(p, tok->kind);
	if (p->last == T_END || p->last == '{' || p->last == '}' ||
	    p->last == T_BEGIN_POLICY)
		p->first = *tok;
	p->last = tok->kind;
	p->prior = p->before.kind;
	p->prior_end = p->before.loc.end;
	p->before = p->now;
	p->now = *tok;
}

void
cf_recover(struct cf_parser *p)
{
	if (p->last == T_END || p->last == 0 ||
	    (p->last == '}' && p->braces_before > 0))
		return;
	p->recover = true;
	p->recover_to = p->braces_before;
}
