/*
 * ldap_answer.c - what an LDAP server says: entries, and the end of a search.
 */
#include <stdio.h>

#include "maps/asked/ldap_int.h"

/* --- entries */

/* Several values in one column. */
static struct span
join(struct berval **values, int n, struct buf *out)
{
	int	 i;

	buf_reset(out);
	for (i = 0; i < n && out->n <= ASKED_OCTETS_MAX; i++) {
		if (i > 0)
			buf_add_str(out, ", ");
		buf_add(out, values[i]->bv_val, values[i]->bv_len);
	}
	return out->n == 0 ? SPAN("") : buf_span(out);
}

static void
take_rows(struct berval **values, int n, struct asked_gather *g)
{
	int	 i;

	for (i = 0; i < n; i++)
		asked_gather_add(g, values[i]->bv_len == 0 ? SPAN("") :
		    span_mem(values[i]->bv_val, values[i]->bv_len));
	if (n == 0)
		asked_gather_add(g, SPAN_NONE);
}

static void
take_name(LDAP *ld, LDAPMessage *msg, struct asked_gather *g)
{
	char	*dn = ldap_get_dn(ld, msg);

	asked_gather_add(g, dn == NULL ? SPAN_NONE : span_of(dn));
	ldap_memfree(dn);
}

void
ldap_take_entry(LDAP *ld, LDAPMessage *msg, const struct ldap_words *w,
    struct asked_gather *g)
{
	struct berval	**values;
	struct buf	  joined = { 0 };
	size_t		  i;
	int		  n;

	if (w->want == ASKED_DN) {
		take_name(ld, msg, g);
		return;
	}
	if (w->ncolumns == 0)
		asked_gather_add(g, SPAN(""));
	for (i = 0; i < w->ncolumns; i++) {
		values = ldap_get_values_len(ld, msg, w->columns[i]);
		n = ldap_count_values_len(values);
		if (w->ncolumns == 1)
			take_rows(values, n, g);
		else
			asked_gather_add(g, n == 0 ? SPAN_NONE :
			    join(values, n, &joined));
		ldap_value_free_len(values);
	}
	buf_clear(&joined);
}

/* --- ends */

/* What passes by itself (RFC 4511, 4.1.9 and appendix A). */
static bool
passes(int code)
{
	return code == LDAP_BUSY || code == LDAP_UNAVAILABLE ||
	    code == LDAP_TIMELIMIT_EXCEEDED || code == LDAP_OTHER;
}

static void
explain(int code, const char *diag, char why[ASKED_WHY_MAX])
{
	const char	*hint = "";

	if (code == LDAP_SIZELIMIT_EXCEEDED)
		hint = ": the filter finds more entries than may be given";
	else if (code == LDAP_REFERRAL)
		hint = ": another server has this base; name that one";
	else if (code == LDAP_TIMELIMIT_EXCEEDED)
		hint = ": is the attribute of the filter indexed?";
	snprintf(why, ASKED_WHY_MAX, "the server says: %s (%d)%s%s%s",
	    ldap_err2string(code), code, hint,
	    diag != NULL && diag[0] != '\0' ? ": " : "",
	    diag != NULL ? diag : "");
}

static int
code_of(LDAP *ld, LDAPMessage *msg, char why[ASKED_WHY_MAX])
{
	char	*diag = NULL;
	int	 code = LDAP_OTHER, rc;

	rc = ldap_parse_result(ld, msg, &code, NULL, &diag, NULL, NULL, 0);
	if (rc != LDAP_SUCCESS)
		code = rc;
	explain(code, diag, why);
	ldap_memfree(diag);
	return code;
}

enum map_result
ldap_take_end(LDAP *ld, LDAPMessage *msg, char why[ASKED_WHY_MAX])
{
	int	 code = code_of(ld, msg, why);

	if (code == LDAP_SUCCESS || code == LDAP_NO_SUCH_OBJECT)
		why[0] = '\0';
	return code == LDAP_SUCCESS ? MAP_FOUND :
	    code == LDAP_NO_SUCH_OBJECT ? MAP_NONE :
	    passes(code) ? MAP_LATER : MAP_BROKEN;
}

enum map_result
ldap_take_bind(LDAP *ld, LDAPMessage *msg, char why[ASKED_WHY_MAX])
{
	int	 code = code_of(ld, msg, why);

	if (code == LDAP_SUCCESS || code == LDAP_INVALID_CREDENTIALS)
		why[0] = '\0';
	return code == LDAP_SUCCESS ? MAP_FOUND :
	    code == LDAP_INVALID_CREDENTIALS ? MAP_NONE :
	    passes(code) ? MAP_LATER : MAP_BROKEN;
}

int
ldap_take_result(LDAP *ld, LDAPMessage *msg, const char *what,
    char why[ASKED_WHY_MAX])
{
	char	 said[ASKED_WHY_MAX];

	if (code_of(ld, msg, said) == LDAP_SUCCESS)
		return 0;
	snprintf(why, ASKED_WHY_MAX, "%s: %.200s", what, said);
	return -1;
}
