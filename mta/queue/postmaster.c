/*
 * postmaster.c - of what the postmaster is told, and how often.
 *
 * Each class has TOLD_MAX messages an hour; what is more is counted, logged,
 * and told of with the next that goes out.  What cannot be delivered to him
 * ends with a line of the log (bounce.c).
 */
#include "mta/queue/notice.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/date.h"
#include "mta/msg/msg.h"
#include "mta/msg/told.h"
#include "mta/queue/notify_set.h"

#include <limits.h>

#define TOLD_MAX	TOLD_HOURLY	/* messages of a class in an hour */
#define HOUR_MS		(60 * 60 * 1000)

struct postmaster {
	struct {
		int64_t		since_ms;	/* of the hour; 0: none */
		unsigned	told, more;
	} classes[TOLD_NCLASSES];
};

static const char *const names[TOLD_NCLASSES] = {
	[TOLD_DOUBLE] = "double", [TOLD_FAILED] = "failed",
	[TOLD_DELAYED] = "delayed", [TOLD_RESOURCE] = "resource",
	[TOLD_SOFTWARE] = "software", [TOLD_POLICY] = "policy",
	[TOLD_PROTOCOL] = "protocol"
};

const char *
postmaster_class_name(unsigned class)
{
	return names[class];
}

void
postmaster_open(struct queue *q)
{
	q->postmaster = xcalloc(1, sizeof(*q->postmaster));
}

bool
postmaster_wants(struct queue *q, enum notify_class class, unsigned *more)
{
	const struct notify_set	*set = q->set.notify;
	int64_t			 now = clock_boot_ms() + 1;

	*more = 0;
	if (set == NULL || !(set->classes >> class & 1))
		return false;
	if (q->postmaster->classes[class].since_ms == 0 ||
	    now - q->postmaster->classes[class].since_ms > HOUR_MS) {
		q->postmaster->classes[class].since_ms = now;
		q->postmaster->classes[class].told = 0;
	}
	if (q->postmaster->classes[class].told == TOLD_MAX) {
		if (q->postmaster->classes[class].more++ == 0)
			log_warnx("event=postmaster-not-told class=%s "
			    "why=\"%u in this hour\"", names[class],
			    TOLD_MAX);
		return false;
	}
	q->postmaster->classes[class].told++;
	*more = q->postmaster->classes[class].more;
	q->postmaster->classes[class].more = 0;
	return true;
}

void
postmaster_more(struct queue *q, enum notify_class class, uint32_t n)
{
	unsigned	*more = &q->postmaster->classes[class].more;

	*more = n > UINT_MAX - *more ? UINT_MAX : *more + n;
}

/* --- what is no report about a message */

static void
put_header(const struct notice *no, enum notify_class class,
    const char *subject, struct buf *out)
{
	const char	*host = no->q->set.hostname;
	char		 date[DATE_MAX], id[QID_TEXT];
	bool		 whole = span_index(no->to, '@') != -1;

	buf_addf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
	    "To: <%.*s%s%s>\r\nSubject: %s\r\nDate: %s\r\n"
	    "Message-ID: <%s.%s@%s>\r\nAuto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: text/plain; "
	    "charset=us-ascii\r\n\r\n", host, SPAN_ARG(no->to),
	    whole ? "" : "@", whole ? "" : host, subject,
	    date_rfc5322(clock_wall_ms(), date), names[class],
	    qid_format(qid_next(&no->q->qids), id), host);
}

/* LF lines; what is no printable ASCII as "?". */
static void
put_text(struct span text, struct buf *out)
{
	size_t	i;

	for (i = 0; i < text.n; i++) {
		unsigned char	ch = (unsigned char)text.p[i];

		if (ch == '\n')
			buf_add_str(out, "\r\n");
		else if (ch == '\t' || (ch >= ' ' && ch < 0x7f))
			buf_add_char(out, (char)ch);
		else if (ch != '\r')
			buf_add_char(out, '?');
	}
}

void
postmaster_tell(struct queue *q, enum notify_class class, const char *subject,
    struct span text)
{
	struct notice	*no;
	unsigned	 more;

	if (!q->running || !postmaster_wants(q, class, &more))
		return;
	no = xcalloc(1, sizeof(*no));
	no->q = q;
	no->reader = NOTICE_POSTMASTER;
	buf_add_str(&no->to_text, q->set.notify->postmaster);
	no->to = buf_span(&no->to_text);
	put_header(no, class, subject, &no->content);
	buf_addf(&no->content, "This is the mail server %s.\r\n\r\n",
	    q->set.hostname);
	put_text(text, &no->content);
	if (more > 0)
		buf_addf(&no->content, "\r\n%u further messages of this kind "
		    "in the last hour are told of in the\r\nlog alone.\r\n",
		    more);
	notice_address(no, 0, SPAN("-"));
	notice_write(no);
}

void
postmaster_nonsense(struct queue *q, const struct hop *h,
    const struct answer *an)
{
	struct buf	text = { 0 };

	buf_addf(&text, "The next hop %.*s, %.*s, has said what is no SMTP: "
	    "%.*s.\nIts session was ended; the mail for it waits.\n",
	    (int)h->text_n, h->text, SPAN_ARG(an->mta), SPAN_ARG(an->text));
	postmaster_tell(q, TOLD_PROTOCOL, "A next hop does not keep to the "
	    "protocol", buf_span(&text));
	buf_clear(&text);
}

bool
postmaster_process(struct queue *q, struct msg *msg)
{
	uint8_t		proc = msg_u8(msg);
	uint32_t	instance = msg_u32(msg);
	uint8_t		signal = msg_u8(msg), status = msg_u8(msg);
	struct buf	text = { 0 };

	if (!msg_end(msg) || proc >= PROC_NPROCS)
		return false;
	buf_addf(&text, "The process %s (%u) has ended by itself, with %s %u, "
	    "and is started again.\nThe log says why; mail that it had is not "
	    "lost.\n", proc_name((enum proc)proc), (unsigned)instance,
	    signal != 0 ? "signal" : "status", signal != 0 ? signal : status);
	postmaster_tell(q, TOLD_SOFTWARE, "A process has ended",
	    buf_span(&text));
	buf_clear(&text);
	return true;
}
