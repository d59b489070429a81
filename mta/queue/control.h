/*
 * control.h - the control socket (spool/control): a line in, JSON out, the end.
 *
 * The line: request.h.  SELECTION is any number of these, all of which must
 * hold, those marked * for one and the same open recipient:
 *
 *   ID or id=ID          sender=ADDRESS      older=AGE, newer=AGE
 *   tag=NAME[:VALUE]     priority=WORDS      *recipient=ADDRESS  *domain=NAME
 *   *hop=NAME            *code=DIGITS        *status=PREFIX      *text=PART
 *   *state=WORDS         *reason=WORDS (reasons.def)
 *
 * `*` in sender, recipient, domain, hop and a tag's value is any text.  state:
 * new, routing, ready, active, waiting, failed, arrived, done, held,
 * quarantined, kept (either).
 *
 *   list [SELECTION] [limit=N] [after=ID] [part=recipients]
 *        a line for each message: {"id","arrival","size","sender","recipients",
 *        "open","state","why","attempts","next","priority","hop","reason",
 *        "to":[open recipients, up to 5, 1000 with part]}, then {"end":{"matched","octets",
 *        "total","more"}}
 *   count [SELECTION] [by=hop|domain|sender|state|why|code]
 *        {"matched","octets","recipients","total","groups":[{"name","messages",
 *        "recipients"}],"others":N}
 *   show ID     {"message":{...,"recipients":[...]}}
 *   why ID      {"message":{...},"recipients":[{...,"why","means","remedy",
 *               "line":{...}}]}
 *   content ID [part=header]
 *        {"octets":N}, then that many octets as they are; only for root and
 *        the server's own user
 *   hold [why=TEXT], release, retry, reroute [to=RELAY], remove,
 *   bounce [why=TEXT]: SELECTION or all=yes, [dry=yes] [limit=N]
 *        {"matched","messages","recipients","busy","dry","more"}, when what was
 *        done is durable
 *   tls-report [day=YYYY-MM-DD]
 *        a line for each domain: {"domain","sending":{...},"report":{...}} as it
 *        would be sent, then {"end":{"day","on","domains","sessions","left_out"}}
 *   probe hop=HOP sender=ADDRESS recipient=ADDRESS [all=yes]
 *        {"hosts":[...],"goes":bool,"code","status","text"}: what relay finds there
 *        (client_probe.c, probe.c of mta/relay); only for root and the server's own user
 *   status      {"queue":{...},"hops":[...],"processes":[{"name","instance",
 *               "pid","restarts","answered","lag":[24 x count],"counters":{...}}]}
 *   reload      {"ok":bool,"text":"..."}
 *
 * Walks over the queue go in slices; an answer is sent as it grows, and waits
 * for who reads it.  What goes wrong: {"error":"..."} as the last line.  Times
 * are RFC 3339 in UTC or null.
 */
#ifndef WB_MTA_QUEUE_CONTROL_H
#define WB_MTA_QUEUE_CONTROL_H

#include "base/json.h"
#include "mta/queue/queue.h"
#include "mta/queue/request.h"
#include "mta/queue/selection.h"

/* --- answers.c, answers_show.c, answers_why.c, answers_queue.c: documents */
void	answer_summary(struct json *, const struct selection *);	/* of the message at hand, one object */
void	answer_show(struct queue *, struct json *, const struct request *);
void	answer_why(struct queue *, struct json *, const struct request *);
void	answer_queue(struct queue *, struct json *);	/* members "queue" and "hops" */
void	answer_hops(const struct queue *, struct json *);	/* hop_status.c */
void	answer_throttle(const struct queue *, struct json *);	/* member "throttle" */
void	answer_error(struct json *, const char *);
void	answer_time(struct json *, const char *key, int64_t wall_ms);	/* 0: null */
void	answer_id(struct json *, uint64_t qid);
/* The message of the request; NULL: the error has been said. */
struct message *answer_named(struct queue *, struct json *, const struct request *);
bool	answer_is_gone(const struct queue *, uint64_t qid);
/* Members of a message, of a target: what show and why have in common. */
void	answer_head(struct queue *, struct json *, const struct message *, const struct envelope *);
void	answer_dest(struct json *, const struct message *, const struct dest *, const struct envelope *);
/* Which targets of a long list are shown: the n-th, those that are done last. */
uint32_t answer_pick(const struct message *, uint32_t *dests, uint32_t max);

#define ANSWER_DESTS_MAX	1000	/* of one message */

#endif
