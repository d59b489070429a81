/*
 * transaction.h - from MAIL to the answer to the final dot (RFC 5321, 3.3).
 */
#ifndef WB_MTA_SMTP_TRANSACTION_H
#define WB_MTA_SMTP_TRANSACTION_H

#include "mail/dot.h"
#include "mta/smtp/body.h"
#include "mta/smtp/session.h"
#include "mta/spool/qid.h"

/* Why a content is not kept; found while it comes, said after its end. */
enum content_fault {
	CONTENT_GOOD,
	CONTENT_SIZE,		/* 552 5.3.4 */
	CONTENT_HEADER,		/* 552 5.3.4: its header is too large to be held */
	CONTENT_SPACE,		/* 452 4.3.1: no space for its file */
	CONTENT_FAILED		/* 451 4.3.0: its file could not be had or written */
};

struct transaction {
	struct arena		 arena;
	uint64_t		 qid;
	char			 qid_text[QID_TEXT];
	struct address		 sender;
	struct smtp_params	 params;
	struct span		*rcpts;		/* whole addresses */
	struct envelope_param	*rcpts_params;	/* of each; NULL: none has any */
	struct envelope_param	 rcpt_param;	/* of the RCPT under way */
	size_t			 nrcpts, cap;
	size_t			 nsaid;		/* whatever was answered */
	size_t			 nunkept;	/* answered 250, and discarded by a rule */
	bool			 drop_rcpt;	/* the one that is being answered: so */
	size_t			 rcpts_octets;	/* of the envelope, about */
	struct edits		 edits;
	struct rs_value		*tags;		/* NULL: the policy has none */
	int64_t			 deadline_ms;	/* boot time */
	struct timer		 delay;		/* of MAIL's answer */
	int64_t			 mail_ms;	/* wall time of MAIL: BY= counts from it */
	int64_t			 arrival_ms;	/* wall time of 354 */
	/* the content, with our Received: before it */
	struct dot_in		 dot;
	struct buf		 content;	/* all of it, or what is not in the file yet */
	size_t			 held;		/* octets counted into the server's */
	size_t			 received_n;	/* octets of our Received: field */
	uint64_t		 octets;	/* of the client's content so far */
	uint64_t		 chunk_size;	/* octets of the chunk under way */
	enum content_fault	 fault;
	struct body		*body;		/* a large content's file */
	struct buf		 header;	/* with a body: its header section, Received: too */
	size_t			 header_n;	/* octets that it has in the file */
	bool			 header_changed;	/* by rewriting */
	struct buf		 new_header;	/* after edits */
	struct policy_parts	*parts;		/* attachments; NULL: no rule asks */
	bool			 tls_not_required;	/* TLS-Required: No stands in the header that is kept */
	bool			 discard;	/* a rule said so: taken, answered, not kept */
	uint8_t			 priority;	/* enum attr_priority + 1; 0: nobody has said */
	struct smtp_kept	*kept;		/* a rule said so: taken, and stays in the queue; NULL: no */
	struct cut		*cut;		/* on its way before it is answered; NULL: not */
	bool			 storing;	/* the intake has it */
};

/* Begins one: the queue id is given. */
struct transaction	*transaction_begin(struct session *);
/*
 * Ends it, whatever has become of it; NULL afterwards.  A body file goes too.
 */
void			 transaction_end(struct session *);
/* With rcpt_param. */
void			 transaction_add_rcpt(struct transaction *,
	    struct span whole);
/* "<>" when it is empty. */
struct span		 transaction_sender(const struct transaction *);
/*
 * The client's content, without our Received:; with a body file its header
 * section.  Good until the header changes.
 */
struct span		 transaction_content(const struct transaction *);
/* Another header section (all but the body) in the place of the client's. */
void			 transaction_new_header(struct transaction *,
	    struct span section);
/* The header will not change any more: what it says of the envelope. */
void			 transaction_read_header(struct transaction *);
/* enum envelope_flags, by what MAIL said and the content is. */
uint32_t		 transaction_flags(const struct transaction *);
/* The facts that route may ask again, frozen into the envelope, formatted. */
void			 transaction_envelope(const struct session *,
	    uint64_t size, struct buf *out);

#endif
