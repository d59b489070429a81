/*
 * image.c - the image of a small policy for the parent's tests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ruleset/build.h"

#include "test/unit/parent/image.h"

static struct rs_place
text_place(struct rs_build *b, const char *text)
{
	struct rs_value	v = rs_text(RS_T_TEXT, span_of(text));

	return (struct rs_place){ 0, rs_build_const(b, &v) };
}

static void
text_option(struct rs_build *b, uint32_t object, enum rs_option option,
    const char *text)
{
	struct rs_place	place = text_place(b, text);

	rs_build_option(b, object, option, false, 1, &place, 1);
}

void
image_build(struct buf *out, const char *const *listen, size_t n,
    const char *spool, const char *policy, const char *table)
{
	struct rs_build		*b = rs_build_new();
	struct rs_place		 places[8];
	static const uint8_t	 none[32];
	const char		*why;
	uint32_t		 object, file;
	size_t			 i;

	(void)rs_build_file(b, span_of(policy), 0, none);
	if (table != NULL) {
		file = rs_build_file(b, span_of(table), 2, none);
		(void)rs_build_map(b, SPAN("users"), SPAN("text"),
		    SPAN("plain"), file, 1, NULL, 0);
	}
	object = rs_build_object(b, RS_O_LISTEN, SPAN("smtp"), 1);
	for (i = 0; i < n; i++)
		places[i] = text_place(b, listen[i]);
	rs_build_option(b, object, RS_OPT_LISTEN_on, false, 7, places, n);
	object = rs_build_object(b, RS_O_SPOOL, SPAN("spool"), 2);
	text_option(b, object, RS_OPT_SPOOL_directory, spool);
	object = rs_build_object(b, RS_O_MAILBOX, SPAN("local"), 3);
	text_option(b, object, RS_OPT_MAILBOX_owner, "waybill-mail");
	if (rs_build_finish(b, out, &why) == -1) {
		fprintf(stderr, "image: %s\n", why);
		abort();
	}
	rs_build_free(&b);
}
