/*
 * settings.c - what the server has left for programs to read.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "mta/drop/drop.h"

#define SETTINGS_MAX	4096	/* octets of the file */

const char *
drop_spool(void)
{
	const char	*spool = secure_getenv("WAYBILL_SPOOL");

	return spool != NULL && spool[0] != '\0' ? spool : DROP_SPOOL;
}

static void
defaults(struct drop_settings *s)
{
	*s = (struct drop_settings){ .message_max = 50u << 20,
	    .files_max = 1000, .octets_max = 256u << 20 };
}

static void
take(struct drop_settings *s, struct span line)
{
	ptrdiff_t	 blank = span_index(line, ' ');
	struct span	 word;
	uint64_t	 n;

	if (blank < 0 || !span_u64(span_from(line, (size_t)blank + 1),
	    UINT64_MAX / 2, &n))
		return;
	word = span_mem(line.p, (size_t)blank);
	if (span_eq(word, SPAN("message")))
		s->message_max = n;
	else if (span_eq(word, SPAN("files")))
		s->files_max = n;
	else if (span_eq(word, SPAN("octets")))
		s->octets_max = n;
	else if (span_eq(word, SPAN("none")))
		s->none = n != 0;
}

void
drop_settings_parse(struct span text, struct drop_settings *s)
{
	ptrdiff_t	end;

	defaults(s);
	while ((end = span_index(text, '\n')) >= 0) {
		take(s, span_mem(text.p, (size_t)end));
		text = span_from(text, (size_t)end + 1);
	}
	if (s->message_max > DROP_MESSAGE_MAX)
		s->message_max = DROP_MESSAGE_MAX;
}

void
drop_settings_format(const struct drop_settings *s, struct buf *out)
{
	buf_addf(out, "message %" PRIu64 "\nfiles %" PRIu64 "\noctets %"
	    PRIu64 "\nnone %d\n", s->message_max, s->files_max, s->octets_max,
	    s->none);
}

void
drop_settings_read(const char *spool, struct drop_settings *s)
{
	char		*path = xasprintf("%s/" DROP_PUBLIC "/" DROP_SETTINGS,
			    spool);
	struct buf	 text = { 0 };

	(void)file_read(path, SETTINGS_MAX, &text);
	drop_settings_parse(buf_span(&text), s);
	buf_clear(&text);
	free(path);
}
